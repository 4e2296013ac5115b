import { Type } from 'class-transformer'
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator'
import { ApiPropertyOptional } from '@nestjs/swagger'
import type { PageQuery } from '../../contracts/rest/common.js'

/** Query of every list, newest first. */
export class PageQueryDto implements PageQuery {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 200, default: 50 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(200)
  limit?: number

  @ApiPropertyOptional({ type: String, description: '`nextCursor` of the page before' })
  @IsOptional()
  @IsString()
  @MaxLength(1000)
  cursor?: string
}
