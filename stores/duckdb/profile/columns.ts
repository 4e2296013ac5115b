import type { ColumnKind } from '../../../domain/profile/profile.js'
import { type DuckDb, name } from '../duckdb.js'
import { columnTypeOf, isFloat } from '../expectations/table.js'

/** A column of the table `t` with the expressions it is measured by. */
export interface Source {
  readonly name: string
  readonly type: string
  readonly kind: ColumnKind
  /** The quoted column. */
  readonly value: string
  /** As answers show it. */
  readonly shown: string
  /** What is counted in bins, DOUBLE, NULL where there is nothing to count; undefined where nothing is. */
  readonly x?: string
  /** All of x are integers. */
  readonly isWhole: boolean
  /** NULL where the column is no number, or the number is NaN or infinite. */
  readonly finite: string
}

export async function sourcesOf(db: DuckDb): Promise<Source[]> {
  const described = await db.query('DESCRIBE t')
  return described.map(row => sourceOf(row['column_name'] as string, row['column_type'] as string))
}

function sourceOf(column: string, type: string): Source {
  const value = name(column)
  const kind = columnTypeOf(type) ?? 'other'
  const x = expression(value, kind, type)
  return {
    name: column,
    type,
    kind,
    value,
    shown:
      kind === 'string' ? `left(${value}, 200)` : kind === 'other' ? `left(${value}::VARCHAR, 200)` : value,
    ...(x !== undefined && { x }),
    isWhole: kind !== 'number' && kind !== 'timestamp',
    finite: isFloat(type) ? `CASE WHEN isfinite(${value}) THEN ${value} END` : value,
  }
}

function expression(value: string, kind: ColumnKind, type: string): string | undefined {
  const finite = (how: string): string => `CASE WHEN isfinite(${value}) THEN ${how} END`
  switch (kind) {
    case 'integer':
      return `${value}::DOUBLE`
    case 'number':
      return isFloat(type) ? finite(`${value}::DOUBLE`) : `${value}::DOUBLE`
    case 'string':
      return `length(${value})::DOUBLE`
    case 'date':
      return finite(`epoch(${value}) / 86400`)
    case 'timestamp':
      return finite(`epoch(${value})`)
    default:
      return undefined
  }
}

export const isNumber = ({ kind }: Source): boolean => kind === 'integer' || kind === 'number'

export const isTime = ({ kind }: Source): boolean => kind === 'date' || kind === 'timestamp'

/** Lists of at most so many. */
export function batches<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size))
}
