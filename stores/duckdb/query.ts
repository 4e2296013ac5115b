import { tableNameProblems } from '../../domain/pipelines/table-names.js'
import { type DuckDb, type DuckDbOptions, type JsonRow, name, text, withDuckDb } from './duckdb.js'
import { outOfMemory, queryInvalid, refusedByDuckDb } from './query-errors.js'

export interface TableQuery {
  readonly sql: string
  /** Parquet files by the names that the SQL has for them. */
  readonly tables: Readonly<Record<string, string>>
  /** Where the result is written as Parquet: nothing is there yet. */
  readonly outFile: string
}

export interface QueryResult {
  readonly rows: number
  /** Decimals are numbers here, as JSON knows no others. */
  readonly first: JsonRow | null
}

/** No name of a table is like this. */
const RESULT = name('the result')

/**
 * Writes what one SELECT makes of tables as a Parquet file. The SQL sees these tables and nothing else:
 * no other file, no network, no extension, no setting. One thread and a fixed seed: equal tables give
 * equal bytes, as long as the SQL does not ask for the time. Without ORDER BY the order of rows is DuckDB's.
 * @throws MlforgeError query_invalid, with DuckDB's words and the line
 */
export async function queryTables(
  { sql, tables, outFile }: TableQuery,
  options: DuckDbOptions = {},
): Promise<QueryResult> {
  const problems = tableNameProblems(Object.keys(tables), 'tables')
  if (problems.length > 0) throw queryInvalid(problems[0]!.message, problems)
  const run = async (db: DuckDb): Promise<QueryResult> => {
    for (const [table, file] of Object.entries(tables)) {
      await db.run(`CREATE VIEW ${name(table)} AS SELECT * FROM read_parquet(${text(file)})`)
    }
    await enclose(db, [...Object.values(tables), outFile])
    await assertOneSelect(db, sql)
    // In front of a statement nothing has to be cut from its end, be it a semicolon or a comment.
    await db.run(`CREATE TEMP VIEW ${RESULT} AS ${sql}`)
    await db.run(
      `COPY (SELECT * FROM ${RESULT}) TO ${text(outFile)} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)`,
    )
    return describeResult(db, `read_parquet(${text(outFile)})`)
  }
  return withDuckDb({ ...options, threads: 1 }, async db => {
    try {
      return await run(db)
    } catch (error) {
      throw refusedByDuckDb(error, sql) ?? outOfMemory(error) ?? error
    }
  })
}

/** DuckDB itself keeps the statement away from everything but these files and the directory it spills to. */
export async function enclose(db: DuckDb, files: readonly string[]): Promise<void> {
  await db.query('SELECT setseed(0)')
  await db.run(`SET preserve_insertion_order = true`)
  await db.run(`SET allowed_paths = [${files.map(text).join(', ')}]`)
  await db.run('SET enable_external_access = false')
  await db.run('SET lock_configuration = true')
}

interface Serialized {
  readonly error: boolean
  readonly error_message?: string
  readonly position?: string
  readonly statements?: readonly unknown[]
}

/** By DuckDB's own parser: what it cannot serialize is no SELECT. */
async function assertOneSelect(db: DuckDb, sql: string): Promise<void> {
  if (sql.includes('\0')) throw queryInvalid('The SQL holds a character that is none (NUL).')
  const [row] = await db.query(`SELECT json_serialize_sql(${text(sql)}) AS parsed`)
  const parsed = JSON.parse(row!['parsed'] as string) as Serialized
  if (parsed.error) {
    const { error_message: message = 'it cannot be parsed', position } = parsed
    const at = position === undefined ? undefined : lineAt(sql, Number(position))
    throw queryInvalid(message, [{ at: at ?? 'sql', message }], at)
  }
  const count = parsed.statements?.length ?? 0
  if (count !== 1) throw queryInvalid(`It holds ${count} statements, and must be exactly one SELECT.`)
  const parameters = await db.bind(sql)
  if (parameters > 0) {
    throw queryInvalid(`It has ${parameters} parameters (? or $name). Write their values into the SQL.`)
  }
}

/** @param position in characters, as the parser counts */
function lineAt(sql: string, position: number): string {
  const before = [...sql].slice(0, position).join('').split('\n')
  return `line ${before.length}, column ${before.at(-1)!.length + 1}`
}

async function describeResult(db: DuckDb, result: string): Promise<QueryResult> {
  const [count] = await db.query(`SELECT count(*) AS rows FROM ${result}`)
  const columns = await db.query(`DESCRIBE SELECT * FROM ${result}`)
  const shown = columns.map(({ column_name: column, column_type: type }) => {
    const value = name(column as string)
    return (type as string).startsWith('DECIMAL') ? `${value}::DOUBLE AS ${value}` : value
  })
  const [first] = await db.query(`SELECT ${shown.join(', ')} FROM ${result} LIMIT 1`)
  return { rows: count!['rows'] as number, first: first ?? null }
}
