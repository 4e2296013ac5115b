import { saidOfFullDisk } from '../domain/duckdb/words.js'
import { MlforgeError } from '../domain/errors.js'

/**
 * An error that says that a disk has no room, as what can be done about it; undefined for any other one.
 * @param directory where the work has its temporary files
 */
export function fullDisk(error: unknown, directory?: string): MlforgeError | undefined {
  const said = saidOfFullDisk(error)
  if (said === undefined) return undefined
  const where = directory === undefined ? '' : `; temporary files are in "${directory}"`
  const known = new MlforgeError(
    'unavailable',
    `A disk is full (${said.replace(/\.$/, '')}${where}). Make room on it; then it can be tried again.`,
  )
  known.cause = error
  return known
}
