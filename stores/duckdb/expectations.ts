import type {
  Expectation,
  ExpectationResult,
  FailingRow,
  KnownColumn,
} from '../../domain/datasets/expectations.js'
import type { ColumnType } from '../../domain/datasets/schema.js'
import {
  type DuckDb,
  type DuckDbOptions,
  type JsonRow,
  type JsonValue,
  name,
  text,
  withDuckDb,
} from './duckdb.js'

const SHOWN_ROWS = 10
const SHOWN_COLUMNS = 20

/** All expectations over a Parquet file: counts in one statement, then the rows of those that failed. */
export async function evaluateExpectations(
  parquetFile: string,
  expectations: readonly Expectation[],
  options: DuckDbOptions = {},
): Promise<ExpectationResult[]> {
  if (expectations.length === 0) return []
  return withDuckDb(options, async db => {
    await db.run(`CREATE VIEW t AS SELECT * FROM read_parquet(${text(parquetFile)}, file_row_number = true)`)
    const described = await db.query('DESCRIBE t')
    const types = new Map(described.map(row => [row['column_name'] as string, row['column_type'] as string]))
    const counts = expectations.flatMap((expectation, i) => [
      `${failing(expectation, types)} AS failing${i}`,
      `${observed(expectation, types)} AS observed${i}`,
    ])
    const [found] = await db.query(`SELECT count(*) AS rows, ${counts.join(', ')} FROM t`)
    const results: ExpectationResult[] = []
    for (const [i, expectation] of expectations.entries()) {
      const count = Number(found![`failing${i}`])
      const passed = hasPassed(expectation, count, found!['rows'] as number)
      const rows = passed ? [] : await failingRows(db, expectation, types)
      results.push({ expectation, passed, observed: found![`observed${i}`] ?? null, failing: count, rows })
    }
    return results
  })
}

/** The columns of a Parquet file whoever has written it; one of another type than datasets have has none here. */
export async function tableColumns(
  parquetFile: string,
  options: DuckDbOptions = {},
): Promise<readonly KnownColumn[]> {
  const described = await withDuckDb(options, db =>
    db.query(`DESCRIBE SELECT * FROM read_parquet(${text(parquetFile)})`),
  )
  return described.map(({ column_name: column, column_type: type }) => {
    const known = typeOf(type as string)
    return { name: column as string, ...(known && { type: known }) }
  })
}

function typeOf(type: string): ColumnType | undefined {
  if (/^U?(TINY|SMALL|BIG|HUGE)INT$|^U?INTEGER$/.test(type)) return 'integer'
  if (/^(DOUBLE|FLOAT|DECIMAL\(.*)$/.test(type)) return 'number'
  if (type === 'VARCHAR') return 'string'
  if (type === 'BOOLEAN') return 'boolean'
  if (type === 'DATE') return 'date'
  return type.startsWith('TIMESTAMP') ? 'timestamp' : undefined
}

type Types = ReadonlyMap<string, string>

function hasPassed(expectation: Expectation, count: number, rows: number): boolean {
  if (expectation.kind === 'row_count') {
    const { min = 0, max = Infinity } = expectation
    return rows >= min && rows <= max
  }
  if (expectation.kind === 'not_null') return count <= (expectation.maxFraction ?? 0) * rows
  return count === 0
}

/** True in SQL for a row that fails. */
function fails(expectation: Expectation, types: Types): string {
  switch (expectation.kind) {
    case 'row_count':
      return 'false'
    case 'not_null':
      return `${name(expectation.column)} IS NULL`
    case 'range': {
      const { column, min, max, exclusiveMin, exclusiveMax } = expectation
      const bounds = [
        [min, '>='],
        [max, '<='],
        [exclusiveMin, '>'],
        [exclusiveMax, '<'],
      ] as const
      const value = name(column)
      const outside = bounds.flatMap(([bound, sign]) =>
        bound === undefined ? [] : [`NOT (${value} ${sign} ${literal(bound, types.get(column)!)})`],
      )
      // DuckDB orders NaN above every number.
      if (/^(DOUBLE|FLOAT)$/.test(types.get(column)!)) outside.push(`isnan(${value})`)
      return `(${value} IS NOT NULL AND (${outside.join(' OR ')}))`
    }
    case 'in_set': {
      const { column, values } = expectation
      const known = values.map(value => literal(value, types.get(column)!))
      return `(${name(column)} IS NOT NULL AND ${name(column)} NOT IN (${known.join(', ')}))`
    }
    case 'unique': {
      const columns = expectation.columns.map(name)
      return `(${columns.join(', ')}) IN (SELECT (${columns.join(', ')}) FROM (${repeated(columns)}))`
    }
  }
}

function repeated(columns: readonly string[]): string {
  const whole = columns.map(column => `${column} IS NOT NULL`).join(' AND ')
  return `SELECT ${columns.join(', ')}, count(*) AS __count FROM t WHERE ${whole} GROUP BY ${columns.join(', ')} HAVING count(*) > 1`
}

function failing(expectation: Expectation, types: Types): string {
  if (expectation.kind !== 'unique') return `count(*) FILTER (${fails(expectation, types)})`
  return `(SELECT coalesce(sum(__count), 0)::BIGINT FROM (${repeated(expectation.columns.map(name))}))`
}

function observed(expectation: Expectation, types: Types): string {
  switch (expectation.kind) {
    case 'row_count':
      return 'count(*)'
    case 'not_null':
      return `count(*) FILTER (${name(expectation.column)} IS NULL) / greatest(count(*), 1)`
    case 'range': {
      const value = name(expectation.column)
      const show = (bound: string): string =>
        typeOf(types.get(expectation.column)!) === 'integer' ? `${bound}::DOUBLE` : bound
      return `[${show(`min(${value})`)}, ${show(`max(${value})`)}]`
    }
    case 'in_set': {
      const value = name(expectation.column)
      return `(SELECT coalesce(list(v::VARCHAR), []) FROM (SELECT DISTINCT ${value} AS v FROM t
        WHERE ${fails(expectation, types)} ORDER BY v LIMIT ${SHOWN_ROWS}))`
    }
    case 'unique':
      return `(SELECT count(*) FROM (${repeated(expectation.columns.map(name))}))`
  }
}

function literal(value: string | number | boolean, type: string): string {
  return typeof value === 'string' ? `CAST(${text(value)} AS ${type})` : String(value)
}

async function failingRows(db: DuckDb, expectation: Expectation, types: Types): Promise<FailingRow[]> {
  if (expectation.kind === 'row_count') return []
  const involved = expectation.kind === 'unique' ? expectation.columns : [expectation.column]
  const others = [...types.keys()].filter(
    column => column !== 'file_row_number' && !involved.includes(column),
  )
  const shown = [...involved, ...others.slice(0, SHOWN_COLUMNS)]
  const rows = await db.query(`SELECT file_row_number, ${shown.map(name).join(', ')} FROM t
    WHERE ${fails(expectation, types)} ORDER BY file_row_number LIMIT ${SHOWN_ROWS}`)
  return rows.map(({ file_row_number: row, ...values }: JsonRow & { file_row_number?: JsonValue }) => ({
    row: (row as number) + 1,
    values,
  }))
}
