import { join } from 'node:path'
import type { Json } from '../../../../domain/canonical-json.js'
import type { MlforgeError } from '../../../../domain/errors.js'
import type { Row } from '../../../../domain/transformations/apply-row.js'
import { text, withDuckDb } from '../../../../stores/duckdb/duckdb.js'
import { writeTable } from '../expectations/write-table.js'

export type Type = 'integer' | 'number' | 'string' | 'boolean' | 'date' | 'timestamp'

/** Values of columns by their names. */
export type Columns = Readonly<Record<string, readonly [Type, readonly unknown[]]>>

export const BIKES: Columns = {
  day: ['date', ['2011-01-01', '2011-01-03', null, '2012-12-31', '2011-07-04', '2011-01-01']],
  color: ['string', ['red', 'blue', null, 'red', 'green', 'red']],
  gear: ['integer', [3, 21, 3, null, 7, 3]],
  weight: ['number', [10, 12.5, 'NaN', 9, null, 11]],
  price: ['number', [100, 300, 200, 100, 400, 150]],
  wet: ['boolean', [true, false, true, null, false, true]],
}

/** A Parquet file of its own below a directory. */
export async function table(directory: string, columns: Columns): Promise<string> {
  const file = join(directory, `${Math.random()}.parquet`)
  const list = Object.entries(columns).map(([name, [type, values]]) => ({ name, type, values }))
  await writeTable(file, list)
  return file
}

export function rowsOf(file: string): Promise<Row[]> {
  return withDuckDb({}, db => db.query(`SELECT * FROM read_parquet(${text(file)})`))
}

/** Values of one column. */
export async function column(file: string, name: string): Promise<Json[]> {
  return (await rowsOf(file)).map(row => row[name]!)
}

export async function refusal(work: Promise<unknown>): Promise<MlforgeError> {
  try {
    await work
  } catch (error) {
    return error as MlforgeError
  }
  throw new Error('nothing was refused')
}
