import {
  type DuckDb,
  type DuckDbOptions,
  type JsonRow,
  type JsonValue,
  name,
  text,
  withDuckDb,
} from './duckdb.js'

/** Shares of the quantiles, in their order. */
export const QUANTILES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99] as const

export interface ColumnProfile {
  readonly name: string
  /** Type in the Parquet file, as DuckDB names it. */
  readonly type: string
  readonly count: number
  readonly nulls: number
  /** Exact; missing is not counted. */
  readonly distinct: number
  /** Of finite values where the column is a number; text is cut to 200 characters. */
  readonly min: JsonValue
  readonly max: JsonValue
  readonly numeric: NumericProfile | null
  /** The most frequent values, missing among them; equal counts by value. */
  readonly top: readonly { readonly value: JsonValue; readonly count: number }[]
}

/** Over finite values. Quantiles interpolate linearly (type 7 of Hyndman and Fan 1996), std divides by n - 1. */
export interface NumericProfile {
  readonly mean: number | null
  readonly std: number | null
  readonly quantiles: readonly (number | null)[]
  readonly nan: number
  readonly infinite: number
  readonly zeros: number
}

export interface Profile {
  readonly rows: number
  readonly columns: readonly ColumnProfile[]
}

const TOP = 10

/** Profile of a Parquet file. One thread, so that sums come out the same to the last bit each time. */
export async function profileTable(parquetFile: string, options: DuckDbOptions = {}): Promise<Profile> {
  return withDuckDb({ ...options, threads: 1 }, async db => {
    await db.run(`CREATE VIEW t AS SELECT * FROM read_parquet(${text(parquetFile)})`)
    const described = await db.query('DESCRIBE t')
    const columns: ColumnProfile[] = []
    for (const row of described) {
      columns.push(await profileColumn(db, row['column_name'] as string, row['column_type'] as string))
    }
    const [count] = await db.query('SELECT count(*) AS rows FROM t')
    return { rows: count!['rows'] as number, columns }
  })
}

async function profileColumn(db: DuckDb, column: string, type: string): Promise<ColumnProfile> {
  const value = name(column)
  const isNumber = type === 'DOUBLE' || type === 'BIGINT'
  const finite = type === 'DOUBLE' ? `FILTER (isfinite(${value}))` : ''
  const shown = type === 'VARCHAR' ? `left(${value}, 200)` : value
  const [found] =
    await db.query(`SELECT count(${value}) AS "count", count(*) FILTER (${value} IS NULL) AS nulls,
    count(DISTINCT ${value}) AS "distinct", min(${shown}) ${finite} AS "min", max(${shown}) ${finite} AS "max"
    ${isNumber ? `, ${numericSql(value, type, finite)}` : ''} FROM t`)
  const top = await db.query(`SELECT ${shown} AS "value", count(*) AS "count" FROM t
    GROUP BY ${value} ORDER BY "count" DESC, ${value} NULLS LAST LIMIT ${TOP}`)
  return {
    name: column,
    type,
    count: found!['count'] as number,
    nulls: found!['nulls'] as number,
    distinct: found!['distinct'] as number,
    min: found!['min']!,
    max: found!['max']!,
    numeric: isNumber ? numericProfile(found!) : null,
    top: top.map(row => ({ value: row['value']!, count: row['count'] as number })),
  }
}

function numericSql(value: string, type: string, finite: string): string {
  const broken = (test: string): string => (type === 'DOUBLE' ? `count(*) FILTER (${test}(${value}))` : '0')
  return `avg(${value}) ${finite} AS mean, stddev_samp(${value}) ${finite} AS std,
    quantile_cont(${value}::DOUBLE, [${QUANTILES.join(', ')}]) ${finite} AS quantiles,
    ${broken('isnan')} AS nan, ${broken('isinf')} AS infinite, count(*) FILTER (${value} = 0) AS zeros`
}

function numericProfile(found: JsonRow): NumericProfile {
  return {
    mean: found['mean'] as number | null,
    std: found['std'] as number | null,
    quantiles: (found['quantiles'] as number[] | null) ?? QUANTILES.map(() => null),
    nan: Number(found['nan']),
    infinite: Number(found['infinite']),
    zeros: found['zeros'] as number,
  }
}
