import { isFloat } from '../expectations/table.js'
import { type DuckDb, type JsonRow, type JsonValue } from '../duckdb.js'
import { saidOfStatement } from '../../../domain/duckdb/words.js'
import { batches, isNumber, isTime, type Source } from './columns.js'

/** What one scan finds of a column. */
export interface Basics {
  readonly count: number
  readonly min: JsonValue
  readonly max: JsonValue
  /** Of x. */
  readonly lowest: number | null
  readonly highest: number | null
  readonly mean: number | null
  readonly std: number | null
  readonly finite: number
  readonly nan: number
  readonly infinite: number
  readonly zeros: number
  readonly negative: number
  readonly empty: number
}

/** Columns of a statement: the time to plan one grows with the square of its aggregates, here up to 12 a column. */
const BATCH = 16
/** Squares of numbers beyond it are none; such a column is measured by its parts in this. */
export const LARGE = 1e150
export const SCALE = 2 ** -600

/** Counts, extremes, mean and deviation of every column, each read once. */
export async function measureBasics(
  db: DuckDb,
  table: string,
  sources: readonly Source[],
): Promise<Basics[]> {
  const found: Basics[] = []
  for (const batch of batches(sources, BATCH)) found.push(...(await measured(db, table, batch, 1)))
  return found
}

/** Sums of very large numbers overflow, which DuckDB refuses: such columns are measured alone, and smaller. */
async function measured(
  db: DuckDb,
  table: string,
  sources: readonly Source[],
  scale: number,
): Promise<Basics[]> {
  try {
    const [row] = await db.query(
      `SELECT ${sources.flatMap((one, i) => aggregates(one, i, scale)).join(', ')} FROM ${table}`,
    )
    return sources.map((_, i) => basicsOf(row!, i, scale))
  } catch (error) {
    if (scale !== 1 || !/out of range/i.test(saidOfStatement(error) ?? '')) throw error
    const found: Basics[] = []
    for (const one of sources) {
      found.push(...(await measured(db, table, [one], sources.length === 1 ? SCALE : 1)))
    }
    return found
  }
}

function aggregates(source: Source, i: number, scale: number): string[] {
  const { value, shown, finite, x, kind, type } = source
  const found = [`count(${value}) AS count${i}`]
  const add = (as: string, sql: string): void => void found.push(`${sql} AS ${as}${i}`)
  if (kind === 'other') return found
  const extreme = kind === 'string' ? shown : finite
  add('min', `min(${extreme})`)
  add('max', `max(${extreme})`)
  if (x === undefined) return found
  add('lowest', `min(${x})`)
  add('highest', `max(${x})`)
  add('finite', `count(${x})`)
  // Integers are added up exactly.
  const summed = scale !== 1 ? `(${x}) * ${scale}` : kind === 'integer' ? value : x
  add('mean', `avg(${summed})`)
  if (kind === 'string') add('empty', `count(*) FILTER (${value} = '')`)
  if (isTime(source)) return found
  if (!isNumber(source)) return found
  add('std', `stddev_samp(${scale !== 1 ? summed : x})`)
  add('zeros', `count(*) FILTER (${value} = 0)`)
  add('negative', `count(*) FILTER (${value} < 0)`)
  if (isFloat(type)) {
    add('nan', `count(*) FILTER (isnan(${value}))`)
    add('infinite', `count(*) FILTER (isinf(${value}))`)
  }
  return found
}

function basicsOf(row: JsonRow, i: number, scale: number): Basics {
  const number = (as: string): number => Number(row[`${as}${i}`] ?? 0)
  const optional = (as: string): number | null => finiteOrNull(row[`${as}${i}`])
  const scaled = (as: string): number | null => {
    const value = optional(as)
    return value === null ? null : finiteOrNull(value / scale)
  }
  return {
    count: number('count'),
    min: row[`min${i}`] ?? null,
    max: row[`max${i}`] ?? null,
    lowest: optional('lowest'),
    highest: optional('highest'),
    mean: scaled('mean'),
    std: scaled('std'),
    finite: number('finite'),
    nan: number('nan'),
    infinite: number('infinite'),
    zeros: number('zeros'),
    negative: number('negative'),
    empty: number('empty'),
  }
}

/** Numbers that JSON cannot hold come as text. */
export function finiteOrNull(value: JsonValue | undefined): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}
