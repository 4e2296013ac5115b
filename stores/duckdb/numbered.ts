import { type DuckDb, text } from './duckdb.js'

const NUMBER = 'file_row_number'

/**
 * What stands behind FROM for a Parquet file whose rows have their numbers, from 0. DuckDB numbers them under one name,
 * and refuses a file with a column of that name: its rows are counted.
 * @param as the column of the number
 */
export async function numberedParquet(db: DuckDb, file: string, as: string): Promise<string> {
  const columns = await db.query(`DESCRIBE SELECT * FROM read_parquet(${text(file)})`)
  const isTaken = columns.some(row => (row['column_name'] as string).toLowerCase() === NUMBER)
  return isTaken
    ? `(SELECT *, row_number() OVER () - 1 AS ${as} FROM read_parquet(${text(file)}))`
    : `(SELECT * RENAME (${NUMBER} AS ${as}) FROM read_parquet(${text(file)}, ${NUMBER} = true))`
}
