import { applyDecorators } from '@nestjs/common'
import {
  ApiExtraModels,
  ApiOperation,
  ApiProperty,
  ApiPropertyOptional,
  ApiResponse,
  getSchemaPath,
} from '@nestjs/swagger'
import type { ProblemDetails } from '../../contracts/rest/common.js'
import { ERROR_CODES, type ErrorCode } from '../../domain/errors.js'

class ProblemItemDto {
  @ApiProperty({ description: 'JSON path of the field, or the row', example: 'split.train.until' })
  at!: string
  @ApiProperty({ description: 'what is wrong and what to do' }) message!: string
}

/** Every error, as RFC 9457 has it. */
export class ProblemDto implements ProblemDetails {
  @ApiProperty({ example: 'urn:mlforge:error:not_found' }) type!: string
  @ApiProperty() title!: string
  @ApiProperty({ type: 'integer' }) status!: number
  @ApiProperty({ description: 'what happened, to what, and what to do next' }) detail!: string
  @ApiProperty({ enum: Object.keys(ERROR_CODES), enumName: 'ErrorCode', description: 'stable' }) code!: string
  @ApiPropertyOptional({ description: 'path of the request' }) instance?: string
  @ApiPropertyOptional({ description: 'the request in the log of the api' }) requestId?: string
  @ApiPropertyOptional({ type: [ProblemItemDto], description: 'all that is wrong' })
  problems?: ProblemItemDto[];
  [extension: string]: unknown
}

/** Documents the codes a route answers with, by their status. */
export function Problems(...codes: ErrorCode[]) {
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of codes) {
    const { http } = ERROR_CODES[code]
    byStatus.set(http, [...(byStatus.get(http) ?? []), code])
  }
  return applyDecorators(
    ApiExtraModels(ProblemDto),
    ...[...byStatus].map(([status, list]) =>
      ApiResponse({
        status,
        description: list.map(code => `\`${code}\``).join(', '),
        content: { 'application/problem+json': { schema: { $ref: getSchemaPath(ProblemDto) } } },
      }),
    ),
  )
}

/** One line on what a route does. */
export const Summary = (summary: string, description?: string) =>
  ApiOperation(description === undefined ? { summary } : { summary, description })
