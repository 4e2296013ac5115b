import { type RegressionMetrics, regressionMetrics } from '../../domain/training/metrics.js'
import type { DuckDbOptions } from './duckdb.js'
import { type PredictionSource, withPredictions } from './predictions.js'

export interface ErrorsQuestion extends PredictionSource {
  readonly versions: readonly number[]
  /** Only rows that every version has scored, so that the versions are compared on the same ones. */
  readonly sameRows?: boolean
}

/** Errors of a version on the labelled rows of a calendar month of event time, in UTC. */
export interface MonthErrors extends RegressionMetrics {
  readonly version: number
  /** `2012-01`. */
  readonly month: string
  readonly rows: number
}

/**
 * By version and month. Rows count for a version that it has answered, and those of which it has scored
 * a copy.
 */
export async function errorsByMonth(
  question: ErrorsQuestion,
  options: DuckDbOptions = {},
): Promise<MonthErrors[]> {
  const { versions, sameRows = false } = question
  return withPredictions(question, options, async db => {
    await db.run(`CREATE TEMP TABLE looked AS
      SELECT id, version, strftime(event_time, '%Y-%m') AS month, event_time, label, output
      FROM scored JOIN labels USING (id) WHERE list_contains([${versions.join(', ')}]::INTEGER[], version)`)
    if (sameRows) {
      await db.run(`DELETE FROM looked WHERE id NOT IN
        (SELECT id FROM looked GROUP BY id HAVING count(*) = ${new Set(versions).size})`)
    }
    const months = await db.query(
      'SELECT version, month, count(*) AS "rows" FROM looked GROUP BY ALL ORDER BY version, month',
    )
    const [labels, outputs] = await db.numbers(
      'SELECT label, output FROM looked ORDER BY version, month, event_time, id',
    )
    let end = 0
    return (months as unknown as Pick<MonthErrors, 'version' | 'month' | 'rows'>[]).map(month => {
      const start = end
      end += month.rows
      return { ...month, ...regressionMetrics(labels!.subarray(start, end), outputs!.subarray(start, end)) }
    })
  })
}
