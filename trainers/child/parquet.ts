import { existsSync } from 'node:fs'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { MlforgeError } from '../../domain/errors.js'
import type { Matrix } from '../trainer.js'

/** A DuckDB in memory with one thread, so that rows come in the order of the file. */
export async function openDuckdb<T>(
  directory: string,
  use: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '1',
    temp_directory: directory,
    autoinstall_known_extensions: 'false',
  })
  const connection = await instance.connect()
  try {
    return await use(connection)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`
export const text = (value: string): string => `'${value.replaceAll("'", "''")}'`
export const parquet = (file: string): string => `read_parquet(${text(file)})`

const NUMERIC = /^(U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|BOOLEAN|DECIMAL.*)$/

/**
 * Row count of a Parquet file, after a check that it has the columns and that those in `numeric` are numbers.
 * @throws MlforgeError object_missing, object_corrupt, unknown_column, value_not_of_type
 */
export async function checkColumns(
  connection: DuckDBConnection,
  file: string,
  columns: readonly string[],
  numeric: readonly string[],
): Promise<number> {
  if (!existsSync(file)) {
    throw new MlforgeError('object_missing', `${file} is not there. Bring the object back, then retry.`)
  }
  const types = new Map<string, string>()
  let rows: number
  try {
    const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${parquet(file)}`)
    for (const [name, type] of described.getRows()) types.set(String(name), String(type))
    const counted = await connection.runAndReadAll(`SELECT count(*) FROM ${parquet(file)}`)
    rows = Number(counted.getRows()[0]![0])
  } catch (error) {
    throw new MlforgeError('object_corrupt', `${file} cannot be read as Parquet: ${String(error)}.`)
  }
  for (const column of columns) {
    const type = types.get(column)
    if (type === undefined) {
      throw new MlforgeError('unknown_column', `${file} has no column "${column}".`, {
        column,
        columns: [...types.keys()],
      })
    }
    if (numeric.includes(column) && !NUMERIC.test(type)) {
      throw new MlforgeError(
        'value_not_of_type',
        `Column "${column}" is ${type}, a feature must be a number. Leave it out or encode it in the dataset.`,
        { column, type },
      )
    }
  }
  return rows
}

/**
 * Reads features, row after row, as float32 in the order of the file; a null is NaN.
 * @throws MlforgeError object_missing, object_corrupt, unknown_column, value_not_of_type
 */
export async function readMatrix(
  connection: DuckDBConnection,
  file: string,
  features: readonly string[],
): Promise<Matrix> {
  const rows = await checkColumns(connection, file, features, features)
  const columns = features.length
  const values = new Float32Array(rows * columns)
  const sql = `SELECT ${features.map(name => `${identifier(name)}::DOUBLE`).join(', ')} FROM ${parquet(file)}`
  let row = 0
  const result = await connection.stream(sql)
  for await (const chunk of result) {
    for (let column = 0; column < columns; column++) {
      const vector = chunk.getColumnVector(column)
      for (let index = 0; index < chunk.rowCount; index++) {
        const value = (vector.getItem(index) as number | null) ?? NaN
        // A value past float32 would silently become infinite, and XGBoost refuses that without a place.
        const single = Math.fround(value)
        if (single === Infinity || single === -Infinity) {
          throw new MlforgeError(
            'value_not_of_type',
            `Feature "${features[column]}" is ${value} in row ${row + index + 1}: not a float32 number. Correct the dataset.`,
            { column: features[column], row: row + index + 1 },
          )
        }
        values[(row + index) * columns + column] = single
      }
    }
    row += chunk.rowCount
  }
  return { values, rows, columns }
}

/**
 * The target as doubles, in the order of the file.
 * @throws MlforgeError label_invalid: a null, NaN or infinite label, with the rows; target_invalid
 */
export async function readTarget(
  connection: DuckDBConnection,
  file: string,
  target: string,
): Promise<Float64Array> {
  try {
    const rows = await checkColumns(connection, file, [target], [target])
    const labels = new Float64Array(rows)
    const bad: number[] = []
    let row = 0
    const result = await connection.stream(`SELECT ${identifier(target)}::DOUBLE FROM ${parquet(file)}`)
    for await (const chunk of result) {
      const vector = chunk.getColumnVector(0)
      for (let index = 0; index < chunk.rowCount; index++, row++) {
        const value = (vector.getItem(index) as number | null) ?? NaN
        labels[row] = value
        if (!Number.isFinite(Math.fround(value))) bad.push(row + 1)
      }
    }
    if (bad.length > 0) {
      throw new MlforgeError(
        'label_invalid',
        `The target "${target}" is missing, NaN or infinite in ${bad.length} of ${rows} rows, first in row ${bad[0]}. Correct or drop those rows.`,
        { target, count: bad.length, rows: bad.slice(0, 10) },
      )
    }
    return labels
  } catch (error) {
    if (
      error instanceof MlforgeError &&
      (error.code === 'unknown_column' || error.code === 'value_not_of_type')
    ) {
      throw new MlforgeError('target_invalid', `The target cannot be used. ${error.message}`, error.details)
    }
    throw error
  }
}

/** Each row's values of some columns as one string, for grouping; nulls are a group of their own. */
export async function readGroups(
  connection: DuckDBConnection,
  file: string,
  columns: readonly string[],
): Promise<string[]> {
  const rows = await checkColumns(connection, file, columns, [])
  if (columns.length === 0) return Array.from({ length: rows }, () => '')
  const groups: string[] = []
  const list = columns.map(name => `${identifier(name)}::VARCHAR`).join(', ')
  const result = await connection.stream(`SELECT to_json([${list}])::VARCHAR FROM ${parquet(file)}`)
  for await (const chunk of result) {
    const vector = chunk.getColumnVector(0)
    for (let index = 0; index < chunk.rowCount; index++) groups.push(String(vector.getItem(index)))
  }
  return groups
}
