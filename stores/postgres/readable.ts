import { MlforgeError } from '../../domain/errors.js'
import type { DatasetVersion } from './entities/dataset.js'

/** @throws MlforgeError version_retired for a version whose files are not kept any more */
export function assertReadable(
  dataset: string,
  { version, retiredAt, purge }: Pick<DatasetVersion, 'version' | 'retiredAt' | 'purge'>,
): void {
  if (retiredAt === null) return
  const at = retiredAt.toISOString()
  const why =
    purge === null
      ? `was retired at ${at}, as the retention rule of the dataset says`
      : `was purged at ${at} by ${purge.by}: ${purge.reason}`
  throw new MlforgeError(
    'version_retired',
    `Version ${version} of dataset "${dataset}" ${why}. Its files are not kept; name another version.`,
    { version, purged: purge !== null },
  )
}
