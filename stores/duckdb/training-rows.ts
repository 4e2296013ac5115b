import type { TimeRange } from '../../domain/drift/windows.js'
import { type DuckDb, type DuckDbOptions, name, text, withDuckDb } from './duckdb.js'
import { joinDays } from './predictions-contents.js'

export interface TrainingRowsQuestion {
  /** Local Parquet file of the rows that a version was trained on. */
  readonly file: string
  /** Column with the event time, a date or timestamp. */
  readonly timeColumn: string
}

/** Reads the rows that a version was trained on. */
export async function withTrainingRows<T>(
  { file, timeColumn }: TrainingRowsQuestion,
  options: DuckDbOptions,
  work: (rows: TrainingRows) => Promise<T>,
): Promise<T> {
  return withDuckDb(options, async db => {
    await db.run(`CREATE VIEW trained AS SELECT * FROM read_parquet(${text(file)})`)
    return work(new TrainingRows(db, `${name(timeColumn)}::TIMESTAMP`))
  })
}

/** Values are numbers: booleans are 0 and 1, NaN where there is none. */
export class TrainingRows {
  constructor(
    private readonly db: DuckDb,
    private readonly time: string,
  ) {}

  /** Whole days in UTC of which there are rows, joined where they follow each other. */
  async days(): Promise<TimeRange[]> {
    return joinDays(
      await this.db.query(`SELECT DISTINCT epoch_ms(date_trunc('day', ${this.time})) AS day
        FROM trained WHERE ${this.time} IS NOT NULL ORDER BY day`),
    )
  }

  async count(ranges: readonly TimeRange[]): Promise<number> {
    const [found] = await this.db.query(`SELECT count(*) AS "rows" ${this.within(ranges)}`)
    return found!['rows'] as number
  }

  /** One column of the rows within ranges, in any order, so that no others are in memory. */
  async column(column: string, ranges: readonly TimeRange[]): Promise<Float64Array<ArrayBuffer>> {
    const [values] = await this.db.numbers(`SELECT ${name(column)}::DOUBLE ${this.within(ranges)}`)
    return values!
  }

  /** Columns that belong together, some thousand rows at a time. */
  batches(columns: readonly string[], ranges: readonly TimeRange[]): AsyncGenerator<Float64Array[]> {
    const wanted = columns.map(column => `${name(column)}::DOUBLE`)
    return this.db.batches(`SELECT ${wanted.join(', ')} ${this.within(ranges)}`)
  }

  private within(ranges: readonly TimeRange[]): string {
    const ms = `epoch_ms(${this.time})`
    const each = ranges.map(({ start, end }) => `(${ms} >= ${start} AND ${ms} < ${end})`)
    return `FROM trained WHERE ${each.join(' OR ')}`
  }
}
