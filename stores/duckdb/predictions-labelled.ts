import type { DuckDbOptions } from './duckdb.js'
import { type PredictionSource, withPredictions } from './predictions.js'

/**
 * Where the labelled data ends, event time in epoch milliseconds: the first prediction after the last one
 * that has a label, so that a month whose last hour is labelled is a whole one; just after that last one
 * while nothing has followed it. Null where nothing has a label.
 */
export async function labelledUntil(
  source: PredictionSource,
  options: DuckDbOptions = {},
): Promise<number | null> {
  return withPredictions(source, options, async db => {
    const [found] = await db.query(
      `WITH last AS (SELECT max(event_time) AS labelled FROM answered JOIN labels USING (id))
       SELECT epoch_ms(labelled) AS labelled,
              (SELECT epoch_ms(min(event_time)) FROM answered WHERE event_time > labelled) AS following
       FROM last`,
    )
    const { labelled, following } = found as { labelled: number | null; following: number | null }
    return labelled === null ? null : (following ?? labelled + 1)
  })
}
