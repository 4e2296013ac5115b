import type { TableFormat } from '../../domain/datasets/reading.js'
import { DUCKDB_VERSION } from './duckdb.js'

/** To be raised where the same bytes of Arrow become other values. */
const ARROW_READER = 1

/** What reads a file of a format: goes into the identity of the table that is made of it. */
export function engineVersion(format: TableFormat): string {
  return format === 'arrow' ? `${DUCKDB_VERSION}, arrow ${ARROW_READER}` : DUCKDB_VERSION
}
