import type { DuckDbOptions } from './duckdb.js'
import { eventTimeSql, featureColumns, type PredictionSource, withPredictions } from './predictions.js'

export interface WindowQuestion extends PredictionSource {
  /** Event times in epoch milliseconds: `from` belongs to the window, `to` does not. */
  readonly from: number
  readonly to: number
  /** Features to read, by the names of the models' signatures. */
  readonly features?: readonly string[]
}

/** The answered rows of a window, a column each, all in the order of event time and id. */
export interface WindowColumns {
  readonly output: Float64Array
  /** NaN where there is none (yet). */
  readonly label: Float64Array
  /** Epoch milliseconds. */
  readonly eventTime: Float64Array
  readonly version: Float64Array
  /** Booleans are 0 and 1; NaN in rows of a version without the feature. */
  readonly features: ReadonlyMap<string, Float64Array>
  readonly labelled: number
  readonly unlabelled: number
  /** Who has answered the window, by version; shares sum to 1. */
  readonly versions: readonly { readonly version: number; readonly rows: number; readonly share: number }[]
}

/**
 * All arrays are in memory at once: of many features and rows ask for some features at a time.
 * @throws MlforgeError unknown_column for a feature that no version in the files has
 */
export async function windowRows(
  question: WindowQuestion,
  options: DuckDbOptions = {},
): Promise<WindowColumns> {
  const { features = [] } = question
  return withPredictions(question, options, async db => {
    const columns = await featureColumns(db, features)
    const selected = ['output', 'label', 'epoch_ms(event_time)::DOUBLE', 'version::DOUBLE', ...columns]
    const [output, label, eventTime, version, ...values] = await db.numbers(`SELECT ${selected.join(', ')}
      FROM answered LEFT JOIN labels USING (id) WHERE ${eventTimeSql(question)} ORDER BY event_time, id`)
    const labelled = label!.reduce((count, value) => (Number.isNaN(value) ? count : count + 1), 0)
    return {
      output: output!,
      label: label!,
      eventTime: eventTime!,
      version: version!,
      features: new Map(features.map((feature, i) => [feature, values[i]!])),
      labelled,
      unlabelled: label!.length - labelled,
      versions: sharesOf(version!),
    }
  })
}

function sharesOf(versions: Float64Array): WindowColumns['versions'] {
  const counts = new Map<number, number>()
  for (const version of versions) counts.set(version, (counts.get(version) ?? 0) + 1)
  return [...counts]
    .toSorted(([a], [b]) => a - b)
    .map(([version, rows]) => ({ version, rows, share: rows / versions.length }))
}
