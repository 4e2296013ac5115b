import { applyDecorators, type Type } from '@nestjs/common'
import { Type as Converted } from 'class-transformer'
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator'
import { ApiExtraModels, ApiOkResponse, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger'
import type { Page, PageQuery } from '../../contracts/rest/common.js'
import type { PageOf } from '../../stores/postgres/paging.js'

/** Query of every list, newest first. */
export class PageQueryDto implements PageQuery {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 200, default: 50 })
  @IsOptional()
  @Converted(() => Number)
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

/** The same page with each item as the API shows it. */
export function mapPage<T, U>(page: Page<T> | PageOf<T>, view: (item: T) => U): Page<U> {
  const items = page.items.map(view)
  return page.nextCursor === undefined ? { items } : { items, nextCursor: page.nextCursor }
}

/** Documents a list. */
export function ApiPage(item: Type<unknown>) {
  return applyDecorators(
    ApiExtraModels(item),
    ApiOkResponse({
      schema: {
        type: 'object',
        properties: {
          items: { type: 'array', items: { $ref: getSchemaPath(item) } },
          nextCursor: { type: 'string', description: 'pass as `cursor` to go on; absent on the last page' },
        },
        required: ['items'],
      },
    }),
  )
}
