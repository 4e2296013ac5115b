import type { TimeRange } from '../../domain/drift/windows.js'
import { type DuckDbOptions, name, text, withDuckDb } from './duckdb.js'
import { joinDays } from './predictions-contents.js'

export interface TrainingRowsQuestion {
  /** Local Parquet file of the rows that a version was trained on. */
  readonly file: string
  /** Column with the event time, a date or timestamp. */
  readonly timeColumn: string
}

/** Whole days in UTC of which there are rows, joined where they follow each other. */
export async function trainingDays(
  { file, timeColumn }: TrainingRowsQuestion,
  options: DuckDbOptions = {},
): Promise<TimeRange[]> {
  return withDuckDb(options, async db =>
    joinDays(
      await db.query(`SELECT DISTINCT epoch_ms(date_trunc('day', ${name(timeColumn)}::TIMESTAMP)) AS day
        FROM read_parquet(${text(file)}) WHERE ${name(timeColumn)} IS NOT NULL ORDER BY day`),
    ),
  )
}

/** Columns of the rows within ranges, as numbers (booleans 0 and 1, NaN where there is none), all in one order. */
export async function trainingColumns(
  { file, timeColumn }: TrainingRowsQuestion,
  ranges: readonly TimeRange[],
  columns: readonly string[],
  options: DuckDbOptions = {},
): Promise<Map<string, Float64Array>> {
  const ms = `epoch_ms(${name(timeColumn)}::TIMESTAMP)`
  const within = ranges.map(({ start, end }) => `(${ms} >= ${start} AND ${ms} < ${end})`)
  const wanted = columns.map((column, i) => `${name(column)}::DOUBLE AS c${i}`)
  return withDuckDb(options, async db => {
    const read = await db.numbers(`SELECT ${wanted.join(', ')}
      FROM read_parquet(${text(file)}, file_row_number = true)
      WHERE ${within.join(' OR ')} ORDER BY file_row_number`)
    return new Map(columns.map((column, i) => [column, read[i]!]))
  })
}
