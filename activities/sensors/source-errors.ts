import { MlforgeError } from '../../domain/errors.js'

/** What looking again later may mend; all else is a store that does not answer, or a mistake of ours. */
export function isOfSource(error: unknown): error is MlforgeError {
  const codes = ['not_found', 'source_unavailable', 'object_missing']
  return error instanceof MlforgeError && codes.includes(error.code)
}
