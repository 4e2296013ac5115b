import { ApiPropertyOptional } from '@nestjs/swagger'
import { Type as Converted } from 'class-transformer'
import { IsIn, IsInt, IsOptional, Max, Min } from 'class-validator'

export class StepQueryDto {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    description: 'which time the step was asked for; the last where it is left out',
  })
  @IsOptional()
  @Converted(() => Number)
  @IsInt()
  @Min(1)
  @Max(1_000_000_000)
  generation?: number
}

export class StepLogQueryDto extends StepQueryDto {
  @ApiPropertyOptional({
    enum: ['true', 'false'],
    default: 'false',
    description: 'goes on with what is printed until the step has ended',
  })
  @IsOptional()
  @IsIn(['true', 'false'])
  follow?: 'true' | 'false'
}
