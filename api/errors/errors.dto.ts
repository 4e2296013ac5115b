import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { Transform } from 'class-transformer'
import { IsIn, IsOptional, Matches } from 'class-validator'
import type { DeploymentErrors, MonthErrors } from '../../contracts/rest/errors.js'
import { MetricsDto } from '../trainings/trainings.dto.js'

export class ErrorsQueryDto {
  @ApiProperty({ description: 'version numbers, separated by commas', example: '1,4' })
  @Matches(/^[1-9]\d{0,8}(,[1-9]\d{0,8}){0,9}$/, {
    message: '$property is one to ten version numbers, separated by commas',
  })
  versions!: string

  @ApiPropertyOptional({
    type: Boolean,
    default: false,
    description: 'only rows that each of the versions has scored, as answer or as copy',
  })
  @IsOptional()
  @Transform(({ value }) => (value === 'true' ? true : value === 'false' ? false : (value as unknown)))
  @IsIn([true, false], { message: '$property is true or false' })
  sameRows?: boolean
}

class MonthErrorsDto extends MetricsDto implements MonthErrors {
  @ApiProperty({ type: 'integer' }) version!: number
  @ApiProperty({ example: '2012-01' }) month!: string
  @ApiProperty({ type: 'integer' }) rows!: number
}

export class DeploymentErrorsDto implements DeploymentErrors {
  @ApiProperty() deployment!: string
  @ApiProperty({ type: [MonthErrorsDto] }) months!: MonthErrorsDto[]
}
