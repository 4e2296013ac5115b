import type { Operation } from '../../contracts/rest/operations.js'
import { isErrorCode, MlforgeError } from '../../domain/errors.js'

/** A run with the version that it has made or found. @throws MlforgeError of one that has not ended well */
export function ended<T extends Operation & { version: number | null }>(
  run: T,
  what: string,
): T & { version: number } {
  const { id, status, version, error } = run
  if (status === 'succeeded' && version !== null) return { ...run, version }
  const code = error && isErrorCode(error.code) ? error.code : 'internal'
  throw new MlforgeError(code, error?.message ?? `${what} ${id} is ${status}.`, { run: id })
}
