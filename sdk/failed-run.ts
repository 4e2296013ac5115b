import type { Operation } from '../contracts/rest/operations.js'
import { isErrorCode, MlforgeError } from '../domain/errors.js'

/** The error of a run that has not ended well. @param what it is, such as `Commit`: its id is among the details so */
export function failedRun({ id, status, error }: Operation, what: string): MlforgeError {
  const code = error && isErrorCode(error.code) ? error.code : 'internal'
  return new MlforgeError(code, error?.message ?? `${what} ${id} is ${status}.`, { [what.toLowerCase()]: id })
}
