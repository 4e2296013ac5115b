import { type ErrorCode, MlforgeError } from '../../domain/errors.js'

const CODE_BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid_request',
  404: 'not_found',
  413: 'body_too_large',
  // A name in the address that is longer than any name.
  414: 'not_found',
  415: 'unsupported_media_type',
}

/** Everything that can be thrown, as one of our errors. What is not known stays inside: `internal`. */
export function asMlforgeError(thrown: unknown, requestId: string): MlforgeError {
  if (thrown instanceof MlforgeError) return thrown
  const { statusCode } = thrown as { statusCode?: number }
  const code = CODE_BY_STATUS[statusCode ?? 500]
  switch (code) {
    case 'body_too_large':
      return new MlforgeError(code, 'The body is larger than allowed here. Send fewer rows at once.')
    case 'unsupported_media_type':
      return new MlforgeError(code, 'The body must be JSON: send "Content-Type: application/json".')
    case undefined:
      return new MlforgeError(
        'internal',
        `Something failed inside MLForge. Look for request ${requestId} in the log of the replica.`,
      )
    default:
      return new MlforgeError(code, (thrown as Error).message)
  }
}

/** Seconds after which a client may try again: a full queue empties sooner than a server comes back. */
export function retryAfter({ code, http }: MlforgeError): number | undefined {
  if (http !== 503) return undefined
  return code === 'overloaded' ? 1 : 5
}
