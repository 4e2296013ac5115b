import type { Operation } from '../../contracts/rest/operations.js'
import { failedRun } from '../failed-run.js'

/** A run with the version that it has made or found. @throws MlforgeError of one that has not ended well */
export function ended<T extends Operation & { version: number | null }>(
  run: T,
  what: string,
): T & { version: number } {
  const { status, version } = run
  if (status === 'succeeded' && version !== null) return { ...run, version }
  throw failedRun(run, what)
}
