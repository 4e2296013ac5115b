import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MlforgeError } from '../../domain/errors.js'
import { reasonOf } from '../../domain/runs/reason.js'
import { recordTexts } from '../segments/segment-codec.js'
import { type DuckDb, type DuckDbOptions, name, text, withDuckDb } from './duckdb.js'

export interface SegmentContent {
  readonly replica: string
  readonly segment: number
  readonly bytes: Buffer
  /** What the replica has said about it. */
  readonly records: number
  readonly firstSequence: number
  readonly lastSequence: number
}

export interface WrittenPredictions {
  readonly rows: number
  /** Epoch milliseconds; null without rows, as are the revisions. */
  readonly minEventTime: number | null
  readonly maxEventTime: number | null
  readonly minRevision: number | null
  readonly maxRevision: number | null
}

/** A feature is a column of its own, so that reading one reads no other; the prefix keeps it apart from ours. */
export const FEATURE_PREFIX = 'feature_'

/** Columns that every file has, in their order; those of the features follow, by name. */
export const LOGGED_COLUMNS = {
  sequence: 'BIGINT',
  replica: 'VARCHAR',
  id: 'VARCHAR',
  version: 'INTEGER',
  role: 'VARCHAR',
  revision: 'INTEGER',
  key: 'VARCHAR',
  /** UTC, as is `at`. */
  event_time: 'TIMESTAMP',
  at: 'TIMESTAMP',
  output: 'DOUBLE',
} as const

/** Of a record's JSON. Booleans become 0 and 1. */
const JSON_TYPES = {
  sequence: 'BIGINT',
  deployment: 'VARCHAR',
  id: 'VARCHAR',
  version: 'INTEGER',
  role: 'VARCHAR',
  revision: 'INTEGER',
  key: 'VARCHAR',
  eventTime: 'BIGINT',
  at: 'BIGINT',
  output: 'DOUBLE',
  features: 'MAP(VARCHAR, DOUBLE)',
}

/**
 * Gathers the records of segments, to write them as one Parquet file for each deployment. Records stay
 * bytes until DuckDB reads them: parsing them here would take longer than all the rest.
 */
export class PredictionTable {
  private constructor(
    private readonly db: DuckDb,
    private readonly directory: string,
  ) {}

  /** Lives as long as `work`; `directory` is for files that may go with it. */
  static async with<T>(
    directory: string,
    options: DuckDbOptions,
    work: (table: PredictionTable) => Promise<T>,
  ): Promise<T> {
    return withDuckDb({ temporaryDirectory: directory, ...options }, async db => {
      const columns = { deployment: 'VARCHAR', ...LOGGED_COLUMNS, features: JSON_TYPES.features }
      const defined = Object.entries(columns).map(([column, type]) => `${name(column)} ${type}`)
      await db.run(`CREATE TEMP TABLE gathered (${defined.join(', ')})`)
      return work(new PredictionTable(db, directory))
    })
  }

  /**
   * Reads a segment; `keep` then takes it in.
   * @returns the deployments it has records of
   * @throws MlforgeError segment_corrupt for bytes that are not what the replica has sealed
   */
  async stage(segment: SegmentContent): Promise<string[]> {
    const { replica, segment: number, bytes, records, firstSequence, lastSequence } = segment
    const file = join(this.directory, 'segment.ndjson')
    await writeFile(file, newlineDelimited(bytes))
    const types = Object.entries(JSON_TYPES).map(([field, type]) => `${name(field)}: ${text(type)}`)
    const time = (field: string): string => `make_timestamp(${name(field)} * 1000)`
    const values = Object.keys(LOGGED_COLUMNS).map(column => {
      if (column === 'replica') return `${text(replica)} AS replica`
      if (column === 'event_time') return `${time('eventTime')} AS event_time`
      return column === 'at' ? `${time('at')} AS "at"` : name(column)
    })
    const broken = (why: string): MlforgeError =>
      new MlforgeError('segment_corrupt', `Segment ${number} of replica ${replica} ${why}.`)
    try {
      await this.db
        .run(`CREATE OR REPLACE TEMP TABLE staged AS SELECT deployment, ${values.join(', ')}, features
        FROM read_json(${text(file)}, format = 'newline_delimited', columns = {${types.join(', ')}})`)
    } catch (error) {
      if (!isOfTheData(error)) throw error
      throw broken(`has a record that is none: ${reasonOf(error).split('\n')[0]}`)
    }
    const missing = ['deployment', ...Object.keys(LOGGED_COLUMNS), 'features'].map(
      column => `${name(column)} IS NULL`,
    )
    const [found] = await this.db
      .query(`SELECT count(*) AS records, min(sequence) AS first, max(sequence) AS last,
      count(DISTINCT sequence) AS numbers, count(*) FILTER (${missing.join(' OR ')}) AS incomplete, list(DISTINCT deployment) AS deployments FROM staged`)
    const { first, last, incomplete, deployments } = found!
    if ((incomplete as number) > 0) throw broken(`has ${String(incomplete)} records that lack a field`)
    if (found!['numbers'] !== found!['records']) throw broken('gives one number to several records')
    const isNumbered = records === 0 || (first === firstSequence && last === lastSequence)
    if (found!['records'] !== records || !isNumbered) {
      throw broken(
        `holds ${String(found!['records'])} records numbered ${String(first)} to ${String(last)}, not ${records} numbered ${firstSequence} to ${lastSequence}`,
      )
    }
    return (deployments as string[] | null) ?? []
  }

  /** Takes the staged records in, but for those with sequence numbers that are there already. */
  async keep(known: readonly { readonly first: number; readonly last: number }[]): Promise<void> {
    const outside = known.map(({ first, last }) => `sequence NOT BETWEEN ${first} AND ${last}`)
    await this.db.run(`INSERT INTO gathered SELECT * FROM staged WHERE ${['true', ...outside].join(' AND ')}`)
  }

  /** Deployments with records so far. */
  async deployments(): Promise<string[]> {
    const rows = await this.db.query('SELECT DISTINCT deployment FROM gathered ORDER BY deployment')
    return rows.map(row => row['deployment'] as string)
  }

  /**
   * Writes the records of a deployment in the order of their event times, the same ones to the same
   * bytes. A version without some feature has NULL there.
   */
  async write(deployment: string, outFile: string): Promise<WrittenPredictions> {
    const own = `FROM gathered WHERE deployment = ${text(deployment)}`
    const found = await this.db.query(
      `SELECT list(feature ORDER BY feature) AS spellings
       FROM (SELECT DISTINCT unnest(map_keys(features)) AS feature ${own}) GROUP BY lower(feature) ORDER BY ALL`,
    )
    const features = found.map(row => {
      // Upper and lower case do not tell columns apart, and two versions may differ in just that.
      const spellings = row['spellings'] as string[]
      const values = spellings.map(feature => `features[${text(feature)}]`)
      return `coalesce(${values.join(', ')}) AS ${name(FEATURE_PREFIX + spellings[0]!)}`
    })
    const columns = [...Object.keys(LOGGED_COLUMNS).map(name), ...features]
    await this.db.run(`COPY (SELECT ${columns.join(', ')} ${own} ORDER BY event_time, replica, sequence)
      TO ${text(outFile)} (FORMAT parquet, COMPRESSION zstd)`)
    const [facts] = await this.db.query(`SELECT count(*) AS "rows",
      epoch_ms(min(event_time)) AS "minEventTime", epoch_ms(max(event_time)) AS "maxEventTime",
      min(revision) AS "minRevision", max(revision) AS "maxRevision" ${own}`)
    return facts as unknown as WrittenPredictions
  }
}

/** One line a record: JSON text holds no line break. */
function newlineDelimited(segment: Buffer): Buffer {
  const lines = Buffer.allocUnsafe(segment.length)
  let length = 0
  for (const record of recordTexts(segment)) {
    length += record.copy(lines, length)
    length = lines.writeUInt8(0x0a, length)
  }
  return lines.subarray(0, length)
}

/** Whether DuckDB could not read what a file holds, rather than not work at all. */
function isOfTheData(error: unknown): boolean {
  return /(Invalid Input|Conversion|Out of Range) Error:/.test(reasonOf(error))
}
