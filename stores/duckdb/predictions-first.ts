import type { DuckDbOptions } from './duckdb.js'
import { revisionSql, withPredictions } from './predictions.js'

/** First event time, epoch milliseconds, that was answered by a plan revision or a later one; null for none. */
export async function firstAnswered(
  files: readonly string[],
  revision: number,
  options: DuckDbOptions = {},
): Promise<number | null> {
  if (files.length === 0) return null
  return withPredictions({ files }, options, async db => {
    const [found] = await db.query(
      `SELECT epoch_ms(min(event_time)) AS first FROM answered WHERE ${revisionSql({ from: revision })}`,
    )
    return found!['first'] as number | null
  })
}
