import type { DriftColumn } from '../../domain/drift/columns.js'
import type { TimeRange } from '../../domain/drift/windows.js'
import { type DuckDb, type DuckDbOptions, name } from './duckdb.js'
import { joinDays } from './predictions-contents.js'
import {
  eventTimeSql,
  featureColumns,
  loggedFeatures,
  type PredictionSource,
  withPredictions,
} from './predictions.js'
import { FEATURE_PREFIX } from './predictions-write.js'

type Numbers = Float64Array<ArrayBuffer>

/** Columns of the answered rows of a window, in the order of event time and id. */
export interface OrderedRows {
  readonly output: Numbers
  /** NaN where there is none (yet). */
  readonly label: Numbers
  readonly version: Numbers
  /** As they were asked for. Booleans are 0 and 1; NaN in rows of a version without the feature. */
  readonly features: readonly Numbers[]
  /** Who has answered the window, by version; shares sum to 1. */
  readonly versions: readonly { readonly version: number; readonly rows: number; readonly share: number }[]
}

/** Reads windows of one source: `work` says which, and what of them. */
export async function withWindows<T>(
  source: PredictionSource,
  options: DuckDbOptions,
  work: (windowOf: (range: TimeRange) => WindowRows) => Promise<T>,
): Promise<T> {
  return withPredictions(source, options, async db => {
    const known = new Set((await loggedFeatures(db)).map(feature => feature.toLowerCase()))
    return work(range => new WindowRows(db, range, known))
  })
}

/** The answered rows of a window. Features go by the names of the models' signatures. */
export class WindowRows {
  private readonly within: string

  constructor(
    private readonly db: DuckDb,
    { start, end }: TimeRange,
    /** In lower case: upper and lower case do not tell columns apart. */
    private readonly known: ReadonlySet<string>,
  ) {
    this.within = eventTimeSql({ from: start, to: end })
  }

  /** Whether some version in the files has a feature. */
  has(feature: string): boolean {
    return this.known.has(feature.toLowerCase())
  }

  async count(): Promise<number> {
    const [found] = await this.db.query(`SELECT count(*) AS "rows" FROM answered WHERE ${this.within}`)
    return found!['rows'] as number
  }

  /** Whole days in UTC on which there are rows, joined where they follow each other. */
  async days(): Promise<TimeRange[]> {
    return joinDays(
      await this.db.query(`SELECT DISTINCT epoch_ms(date_trunc('day', event_time)) AS day FROM answered
        WHERE ${this.within} ORDER BY day`),
    )
  }

  /**
   * Columns that belong together, all in memory at once.
   * @throws MlforgeError unknown_column for a feature that no version in the files has
   */
  async ordered(features: readonly string[] = []): Promise<OrderedRows> {
    const columns = ['output', 'label', 'version::DOUBLE', ...(await featureColumns(this.db, features))]
    const [output, label, version, ...values] = await this.db.numbers(`SELECT ${columns.join(', ')}
      FROM answered LEFT JOIN labels USING (id) WHERE ${this.within} ORDER BY event_time, id`)
    return {
      output: output!,
      label: label!,
      version: version!,
      features: values,
      versions: sharesOf(version!),
    }
  }

  /** One column, in any order, so that no others are in memory; null for a feature that no version has. */
  async column({ role, name: feature }: Pick<DriftColumn, 'role' | 'name'>): Promise<Numbers | null> {
    switch (role) {
      case 'label':
        return this.values('label', 'answered JOIN labels USING (id)')
      case 'prediction':
        return this.values('output', 'answered')
      case 'feature':
      case 'time':
        return this.has(feature) ? this.values(name(FEATURE_PREFIX + feature), 'answered') : null
    }
  }

  private async values(column: string, rows: string): Promise<Numbers> {
    const [values] = await this.db.numbers(`SELECT ${column} FROM ${rows} WHERE ${this.within}`)
    return values!
  }
}

function sharesOf(versions: Float64Array): OrderedRows['versions'] {
  const counts = new Map<number, number>()
  for (const version of versions) counts.set(version, (counts.get(version) ?? 0) + 1)
  return [...counts]
    .toSorted(([a], [b]) => a - b)
    .map(([version, rows]) => ({ version, rows, share: rows / versions.length }))
}
