import { IncomingMessage } from 'node:http'
import { createParamDecorator, type ExecutionContext } from '@nestjs/common'
import type { FastifyRequest } from 'fastify'
import { MlforgeError } from '../../domain/errors.js'

/** Content types of files, of which the content tells more. */
export const FILE_TYPES = [
  'application/octet-stream',
  'text/csv',
  'text/tab-separated-values',
  'application/x-ndjson',
  'application/jsonl',
  'application/vnd.apache.parquet',
  'application/vnd.apache.arrow.file',
  'application/vnd.apache.arrow.stream',
] as const

/** The bytes of the request as they come. */
export const FileBody = createParamDecorator((_: unknown, context: ExecutionContext): IncomingMessage => {
  const { body } = context.switchToHttp().getRequest<FastifyRequest>()
  if (body instanceof IncomingMessage) return body
  throw new MlforgeError(
    'unsupported_media_type',
    'The body is the content itself: send it with "Content-Type: text/csv" or "application/octet-stream".',
  )
})
