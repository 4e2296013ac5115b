import { type DuckDbOptions, name, text } from './duckdb.js'
import { eventTimeSql, featureColumns, type PredictionSource, withPredictions } from './predictions.js'

export interface LabelledTableQuestion extends PredictionSource {
  /** Event times in epoch milliseconds: `from` belongs to the range, `to` does not. */
  readonly from?: number
  readonly to: number
  readonly features: readonly string[]
  /** Name that the label's column gets. */
  readonly target: string
  /** Name that the event time's column gets; without it there is none. */
  readonly timeColumn?: string
}

/**
 * Writes what was predicted and has a label as a table to train on: one row for each prediction id,
 * the features as they were served (DOUBLE, booleans 0 and 1), in the order of event time. The same rows
 * give the same bytes.
 * @returns how many rows were written, and which versions have answered them, in ascending order
 * @throws MlforgeError unknown_column for a feature that no version in the files has
 */
export async function labelledTable(
  question: LabelledTableQuestion,
  outFile: string,
  options: DuckDbOptions = {},
): Promise<{ rows: number; versions: number[] }> {
  const { features, target, timeColumn } = question
  return withPredictions(question, options, async db => {
    const columns = await featureColumns(db, features)
    const selected = [
      ...(timeColumn === undefined ? [] : [`event_time AS ${name(timeColumn)}`]),
      ...columns.map((column, i) => `${column} AS ${name(features[i]!)}`),
      `label AS ${name(target)}`,
    ]
    const from = `FROM answered JOIN labels USING (id) WHERE ${eventTimeSql(question)}`
    await db.run(
      `COPY (SELECT ${selected.join(', ')} ${from} ORDER BY event_time, id) TO ${text(outFile)} (FORMAT parquet, COMPRESSION zstd)`,
    )
    const [count] = await db.query(`SELECT count(*) AS "rows" FROM read_parquet(${text(outFile)})`)
    const versions = await db.query(`SELECT DISTINCT version ${from} ORDER BY version`)
    return {
      rows: count!['rows'] as number,
      versions: versions.map(({ version }) => version as number),
    }
  })
}
