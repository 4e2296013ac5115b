import { ApiPropertyOptional } from '@nestjs/swagger'
import { IsIn, IsOptional, Matches } from 'class-validator'
import type { Operation } from '../../contracts/rest/operations.js'
import { NAME_PATTERN } from '../../domain/names.js'
import { PageQueryDto } from '../http/paging.js'
import { KINDS, STATUSES } from '../runs/operation.dto.js'

export class OperationsQueryDto extends PageQueryDto {
  @ApiPropertyOptional({ enum: KINDS })
  @IsOptional()
  @IsIn(KINDS)
  kind?: Operation['kind']
  @ApiPropertyOptional({ description: 'of the dataset or model' })
  @IsOptional()
  @Matches(NAME_PATTERN, { message: 'name is not one that anything can have' })
  name?: string
  @ApiPropertyOptional({ enum: STATUSES })
  @IsOptional()
  @IsIn(STATUSES)
  status?: Operation['status']
}
