import { type KeyedValue, type Moments, momentsByKey } from '../../domain/rollouts/moments.js'
import type { DuckDb, DuckDbOptions } from './duckdb.js'
import {
  eventTimeSql,
  type PredictionSource,
  type Revisions,
  revisionSql,
  withPredictions,
} from './predictions.js'

export interface ArmsQuestion extends PredictionSource {
  readonly versions: readonly number[]
  readonly revisions: Revisions
  /** Epoch milliseconds. */
  readonly sinceEventTime?: number
  /** Looks at so many labelled rows of each version at most, the first by event time. */
  readonly limit?: number
}

export interface ArmStatistics {
  readonly version: number
  /** Of |label - output|, by key. */
  readonly moments: Moments
  /** Sums over rows; an error is label - output. */
  readonly sumError: number
  readonly sumLabel: number
  readonly sumAbsoluteError: number
}

export interface ArmsSeen {
  /** In the order of the versions asked for, those without rows too. */
  readonly arms: readonly ArmStatistics[]
  /** SHA-256 of the rows looked at: ids, versions, outputs and labels. */
  readonly rowsHash: string
}

export interface PairsQuestion extends PredictionSource {
  readonly versions: readonly [number, number]
  readonly revisions: Revisions
  /** Looks at so many pairs at most, the first by event time. */
  readonly limit?: number
}

export interface PairsSeen {
  /** Outputs of both versions on the same rows, labelled or not, in the order of the versions asked for. */
  readonly outputs: readonly [Float64Array, Float64Array]
  /** SHA-256 of the rows looked at: ids, both outputs and labels. */
  readonly rowsHash: string
  /** Of the labelled pairs, by key: |error| of the first version, and the second's minus the first's. */
  readonly first: Moments
  readonly difference: Moments
}

/** Keys as numbers. */
const UNIT = 'dense_rank() OVER (ORDER BY key)::DOUBLE AS unit'

/** Ids of the rows that plans of a range have answered: whose labels gates ask for. */
export async function answeredIds(
  { files, revisions }: Pick<ArmsQuestion, 'files' | 'revisions'>,
  options: DuckDbOptions = {},
): Promise<string[]> {
  return withPredictions({ files }, options, async db => {
    const rows = await db.query(`SELECT id FROM answered WHERE ${revisionSql(revisions)} ORDER BY id`)
    return rows.map(row => row['id'] as string)
  })
}

/** Errors of the labelled rows that each version has answered: what a canary is judged by. */
export async function armStatistics(question: ArmsQuestion, options: DuckDbOptions = {}): Promise<ArmsSeen> {
  const { versions, revisions, sinceEventTime, limit } = question
  return withPredictions(question, options, async db => {
    await db.run(`CREATE TEMP TABLE looked AS
      SELECT id, version, key, output, label,
        row_number() OVER (PARTITION BY version ORDER BY event_time, id) AS place
      FROM answered JOIN labels USING (id)
      WHERE ${revisionSql(revisions)} AND ${eventTimeSql({ from: sinceEventTime })}
      QUALIFY list_contains([${versions.join(', ')}]::INTEGER[], version) ${atMost(limit)}`)
    const arms: ArmStatistics[] = []
    for (const version of versions) {
      const [units, outputs, labels] = await db.numbers(
        `SELECT ${UNIT}, output, label FROM looked WHERE version = ${version} ORDER BY place`,
      )
      arms.push({ version, ...statisticsOf(units!, outputs!, labels!) })
    }
    return { arms, rowsHash: await hashOf(db, ['id', 'version', 'output', 'label']) }
  })
}

/** Rows that one version has answered and the other has scored a copy of: what ranks and errors are compared on. */
export async function mirroredPairs(
  question: PairsQuestion,
  options: DuckDbOptions = {},
): Promise<PairsSeen> {
  const { versions, revisions, limit } = question
  const [a, b] = versions
  return withPredictions(question, options, async db => {
    await db.run(`CREATE TEMP TABLE looked AS
      SELECT id, answer.key AS key, label,
        if(answer.version = ${a}, answer.output, copy.output) AS first,
        if(answer.version = ${a}, copy.output, answer.output) AS second,
        row_number() OVER (ORDER BY answer.event_time, id) AS place
      FROM answered answer JOIN mirrored copy USING (id) LEFT JOIN labels USING (id)
      WHERE (answer.version, copy.version) IN ((${a}, ${b}), (${b}, ${a}))
        AND ${revisionSql(revisions, 'answer.')} AND ${revisionSql(revisions, 'copy.')}
      QUALIFY true ${atMost(limit)}`)
    const [first, second] = await db.numbers('SELECT first, second FROM looked ORDER BY place')
    const [units, error, difference] = await db.numbers(`SELECT ${UNIT}, abs(label - first) AS error,
      abs(label - second) - error AS difference FROM looked WHERE label IS NOT NULL ORDER BY place`)
    return {
      outputs: [first!, second!],
      rowsHash: await hashOf(db, ['id', 'first', 'second', 'label']),
      first: momentsByKey(keyed(units!, error!)),
      difference: momentsByKey(keyed(units!, difference!)),
    }
  })
}

function atMost(limit: number | undefined): string {
  return limit === undefined ? '' : `AND place <= ${limit}`
}

function statisticsOf(
  units: Float64Array,
  outputs: Float64Array,
  labels: Float64Array,
): Omit<ArmStatistics, 'version'> {
  const errors = outputs.map((output, row) => labels[row]! - output)
  const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0)
  const absolute = errors.map(Math.abs)
  return {
    moments: momentsByKey(keyed(units, absolute)),
    sumError: sum(errors),
    sumLabel: sum(labels),
    sumAbsoluteError: sum(absolute),
  }
}

function* keyed(units: Float64Array, values: Float64Array): Generator<KeyedValue> {
  for (let row = 0; row < values.length; row++) yield { key: String(units[row]), value: values[row]! }
}

async function hashOf(db: DuckDb, columns: readonly string[]): Promise<string> {
  const line = `to_json([${columns.map(column => `${column}::VARCHAR`).join(', ')}])::VARCHAR`
  const [found] = await db.query(`SELECT sha256(coalesce(string_agg(line, chr(10) ORDER BY line), '')) AS hash
    FROM (SELECT ${line} AS line FROM looked)`)
  return found!['hash'] as string
}
