import { HttpException } from '@nestjs/common'
import { type ErrorCode, MlforgeError } from '../../domain/errors.js'
import { fullDisk } from '../../stores/full-disk.js'
import { isBadValue, isPostgresUnreachable } from '../../stores/postgres/unreachable.js'

/** Seconds after which a client may try again what was unavailable. */
export const RETRY_AFTER_SECONDS = 5

const CODE_BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'body_too_large',
  415: 'unsupported_media_type',
  503: 'unavailable',
}

/** Everything that can be thrown, as one of our errors. What is not known stays inside: `internal`. */
export function asMlforgeError(thrown: unknown, requestId: string): MlforgeError {
  if (thrown instanceof MlforgeError) return thrown
  if (thrown instanceof HttpException) return fromHttp(thrown)
  const full = fullDisk(thrown)
  if (full !== undefined) return full
  if (isPostgresUnreachable(thrown)) {
    return new MlforgeError(
      'unavailable',
      'The database does not answer. Nothing was changed; try again soon.',
    )
  }
  if (isBadValue(thrown)) {
    return new MlforgeError(
      'invalid_request',
      'A value of the request, such as its cursor, is not one that this takes.',
    )
  }
  return new MlforgeError(
    'internal',
    `Something failed inside MLForge. Look for request ${requestId} in the log of the api.`,
  )
}

function fromHttp(error: HttpException): MlforgeError {
  if (error.cause instanceof MlforgeError) return error.cause
  const status = error.getStatus()
  const code = CODE_BY_STATUS[status] ?? (status < 500 ? 'invalid_request' : 'internal')
  switch (code) {
    case 'body_too_large':
      return new MlforgeError(code, 'The body is larger than allowed here. Files go to POST /v1/uploads.')
    case 'unsupported_media_type':
      return new MlforgeError(code, 'The body must be JSON: send "Content-Type: application/json".')
    case 'not_found':
      return new MlforgeError(code, 'There is no such address. All of them are listed at /docs.')
    default:
      return new MlforgeError(code, error.message)
  }
}
