import {
  QueryFailedError,
  QueryRunnerAlreadyReleasedError,
  QueryRunnerProviderAlreadyReleasedError,
} from 'typeorm'

const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
])
// Classes 08 (connection) and 53 (resources), shutting down, starting up, and our statement time-out.
const SQL_STATE = /^(08...|53...|57P0[1-3]|57014)$/
const MESSAGES = /Connection terminated|timeout exceeded when trying to connect|is not queryable/

/** True where Postgres could not be asked at all, as opposed to an answer that was an error. */
export function isPostgresUnreachable(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false
  // A transaction loses its connection when the server closes it; the next query hears only that it is gone.
  if (thrown instanceof QueryRunnerAlreadyReleasedError) return true
  if (thrown instanceof QueryRunnerProviderAlreadyReleasedError) return true
  const cause: unknown = thrown instanceof QueryFailedError ? thrown.driverError : thrown
  if (!(cause instanceof Error)) return false
  if (cause instanceof AggregateError) return cause.errors.some(isPostgresUnreachable)
  const { code } = cause as { code?: unknown }
  if (typeof code === 'string' && (NETWORK.has(code) || SQL_STATE.test(code))) return true
  return MESSAGES.test(cause.message)
}

/** True where Postgres could not read a value that the request brought (class 22), as in a forged cursor. */
export function isBadValue(thrown: unknown): boolean {
  if (!(thrown instanceof QueryFailedError)) return false
  const { code } = thrown.driverError as { code?: unknown }
  return typeof code === 'string' && code.startsWith('22')
}
