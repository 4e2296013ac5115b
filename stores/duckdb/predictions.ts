import { MlforgeError } from '../../domain/errors.js'
import { didYouMean } from '../../domain/suggest.js'
import { type DuckDb, type DuckDbOptions, name, text, withDuckDb } from './duckdb.js'
import { FEATURE_PREFIX, LOGGED_COLUMNS } from './predictions-write.js'

/** What is looked at. Where a retry may have moved a prediction's event time, files beside the range too. */
export interface PredictionSource {
  /** Local Parquet files of one deployment, in any order. */
  readonly files: readonly string[]
  /**
   * Rows of other event times (epoch milliseconds; `to` does not belong to it) count for nothing, not even
   * as an earlier answer: which of them are in the same files is chance.
   */
  readonly within?: { readonly from: number; readonly to: number }
  /** As `writeLabels` has written it; without it nothing has a label. */
  readonly labels?: string
}

/** Revisions of the plans that rows were answered by, both ends included. */
export interface Revisions {
  readonly from: number
  readonly to?: number
}

/**
 * Rows as everything that decides reads them; nothing else says what counts. Views:
 * - `answered`: one row for each prediction id, whichever versions and replicas a retry has met
 * - `mirrored`: one row for each id and version that scored a copy
 * - `scored`: one row for each id and version, answered rather than mirrored
 * - `labels`: (id, label), the label that holds
 * Of several records the first holds: the answer that a client has had first. Pinned rows are in none:
 * their callers have chosen the version.
 */
export async function withPredictions<T>(
  { files, labels, within }: PredictionSource,
  options: DuckDbOptions,
  work: (db: DuckDb) => Promise<T>,
): Promise<T> {
  return withDuckDb(options, async db => {
    await db.run(`CREATE VIEW logged AS ${loggedSql(files, within)}`)
    // Few are repeated, so they are found by id alone: a window function over whole rows takes twice as long.
    await db.run(`CREATE TEMP TABLE repeats AS
      WITH counted AS (
        SELECT *, if(role = 'shadow', version, NULL) AS copy FROM logged WHERE role IN ('stable', 'candidate', 'shadow'))
      SELECT filename, file_row_number FROM counted
      WHERE id IN (SELECT id FROM counted GROUP BY id, copy HAVING count(*) > 1)
      QUALIFY row_number() OVER (PARTITION BY id, copy ORDER BY "at", replica, sequence) > 1`)
    const first = 'SELECT * FROM logged ANTI JOIN repeats USING (filename, file_row_number)'
    await db.run(`CREATE VIEW answered AS ${first} WHERE role IN ('stable', 'candidate')`)
    await db.run(`CREATE VIEW mirrored AS ${first} WHERE role = 'shadow'`)
    await db.run(`CREATE VIEW scored AS SELECT * FROM answered UNION ALL
      SELECT * FROM mirrored ANTI JOIN answered USING (id, version)`)
    await db.run(
      labels === undefined
        ? 'CREATE VIEW labels AS SELECT NULL::VARCHAR AS id, NULL::DOUBLE AS label WHERE false'
        : `CREATE VIEW labels AS SELECT id, label FROM read_parquet(${text(labels)})`,
    )
    return work(db)
  })
}

/** Features that some version in the files has. */
export async function loggedFeatures(db: DuckDb): Promise<string[]> {
  const described = await db.query('DESCRIBE logged')
  return described
    .map(row => row['column_name'] as string)
    .filter(column => column.startsWith(FEATURE_PREFIX))
    .map(column => column.slice(FEATURE_PREFIX.length))
}

/**
 * The column that holds each feature; NULL in rows of versions without it.
 * @throws MlforgeError unknown_column for a feature that no version in the files has
 */
export async function featureColumns(db: DuckDb, features: readonly string[]): Promise<string[]> {
  const known = await loggedFeatures(db)
  const folded = new Set(known.map(feature => feature.toLowerCase()))
  return features.map(feature => {
    if (folded.has(feature.toLowerCase())) return name(FEATURE_PREFIX + feature)
    const message = `No prediction that was looked at has a feature "${feature}".${didYouMean(feature, known)}`
    throw new MlforgeError('unknown_column', message)
  })
}

/** A condition on event times in epoch milliseconds: `from` belongs to the range, `to` does not. */
export function eventTimeSql({ from, to }: { from?: number | undefined; to?: number | undefined }): string {
  return [
    'true',
    ...(from === undefined ? [] : [`event_time >= make_timestamp(${from * 1000})`]),
    ...(to === undefined ? [] : [`event_time < make_timestamp(${to * 1000})`]),
  ].join(' AND ')
}

export function revisionSql({ from, to }: Revisions, table = ''): string {
  const column = `${table}revision`
  return to === undefined ? `${column} >= ${from}` : `${column} BETWEEN ${from} AND ${to}`
}

/** `filename` and `file_row_number` tell every record from every other, even where a number was given twice. */
function loggedSql(files: readonly string[], within: PredictionSource['within']): string {
  const options = 'union_by_name = true, filename = true, file_row_number = true'
  if (files.length > 0) {
    return `SELECT * FROM read_parquet([${files.map(text).join(', ')}], ${options}) WHERE ${eventTimeSql(within ?? {})}`
  }
  const columns = { ...LOGGED_COLUMNS, filename: 'VARCHAR', file_row_number: 'BIGINT' }
  const nothing = Object.entries(columns).map(([column, type]) => `NULL::${type} AS ${name(column)}`)
  return `SELECT ${nothing.join(', ')} WHERE false`
}
