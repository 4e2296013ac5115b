import { type DuckDBDataChunk, type Json, JsonDuckDBValueConverter } from '@duckdb/node-api'
import type { ColumnType } from '../../contracts/rest/datasets.js'

/**
 * A value of a table, as the REST API gives it: integers beyond 2^53, NaN and infinities as text, dates as
 * `2012-08-17`, timestamps as `2012-08-17T06:00:00`, in UTC.
 */
export type Value = null | boolean | number | string

export type Row = Record<string, Value>

/** Rows that follow each other, by column. */
export class Batch {
  constructor(
    /** Number of the first one among those that were asked for, from 0. */
    readonly offset: number,
    readonly rows: number,
    readonly columns: Readonly<Record<string, Value[]>>,
  ) {}

  toRows(): Row[] {
    const columns = Object.entries(this.columns)
    return Array.from({ length: this.rows }, (_, i) =>
      Object.fromEntries(columns.map(([name, values]) => [name, values[i]!])),
    )
  }
}

/** The values of a chunk by column. @param types of the columns, in order */
export function valuesOf(chunk: DuckDBDataChunk, types: readonly ColumnType[]): Value[][] {
  return types.map((type, i) => {
    const values = chunk.convertColumnValues<Json>(i, JsonDuckDBValueConverter) as Value[]
    if (type === 'integer') return values.map(integer)
    return type === 'timestamp' ? values.map(timestamp) : values
  })
}

function integer(value: Value): Value {
  return typeof value === 'string' && Number.isSafeInteger(Number(value)) ? Number(value) : value
}

function timestamp(value: Value): Value {
  return typeof value === 'string' ? value.replace(' ', 'T') : value
}
