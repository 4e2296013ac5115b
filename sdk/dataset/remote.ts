import type { DatasetVersion } from '../../contracts/rest/datasets.js'
import { MlforgeError } from '../../domain/errors.js'
import type { Rest } from '../rest.js'
import { cachedFile, defaultCache } from './cache.js'
import { asTable } from './local.js'
import type { View } from './read.js'
import { type LocalOptions, Session, SOURCE } from './session.js'
import { explained, text } from './sql.js'

export interface LoadOptions extends LocalOptions {
  /** Where tables are kept by content. Default: `mlforge/datasets` in $XDG_CACHE_HOME, or in ~/.cache. */
  readonly cacheDirectory?: string
}

const PARQUET = 'data.parquet'

/**
 * What is read of a version, and how it is opened once it is.
 * @throws MlforgeError version_retired, no_table
 */
export function openVersion(
  rest: Rest,
  record: DatasetVersion,
  options: LoadOptions,
): [() => Promise<Session>, View] {
  const { dataset, version, schema, rows, retiredAt, purge } = record
  if (retiredAt !== null) {
    const why = purge
      ? `was purged at ${retiredAt} by ${purge.by}: ${purge.reason}`
      : `was retired at ${retiredAt}, as the retention rule of the dataset says`
    throw new MlforgeError(
      'version_retired',
      `Version ${version} of dataset "${dataset}" ${why}. Its rows are not kept; name another version.`,
      { version, purged: purge !== null },
    )
  }
  const artifact = record.artifacts.find(({ name }) => name === PARQUET)
  if (rows === null || !artifact) {
    throw new MlforgeError(
      'no_table',
      `Version ${version} of dataset "${dataset}" has files and no table. Name one that was committed as a table, or commit its file as one.`,
    )
  }
  const { cacheDirectory = defaultCache() } = options
  const prepare = asTable(async () => {
    const file = await cachedFile(rest, artifact, cacheDirectory)
    return { sql: `SELECT * FROM read_parquet(${text(file)})`, files: [file] }
  })
  const open = async (): Promise<Session> => {
    try {
      return await Session.open(prepare, options)
    } catch (error) {
      throw explained(error, `Version ${version} of dataset "${dataset}"`)
    }
  }
  return [open, { sql: `SELECT * FROM ${SOURCE}`, schema, rows }]
}
