import type { Expectation } from '../../../domain/expectations/expectation.js'
import { comparableTime, isWithin } from '../../../domain/expectations/judge.js'
import { type DuckDb, type JsonValue, text } from '../duckdb.js'
import { isFloat, type Types } from './table.js'

/** Types whose least and greatest value a Parquet file tells exactly. */
const EXACT = ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'DOUBLE', 'DATE', 'TIMESTAMP']

const HAS_VALUES = 'stats_null_count IS DISTINCT FROM num_values'

/**
 * Which ranges hold by what the file itself says of its row groups, so that no value has to be compared: the places
 * of their expectations. Missing statistics, as DuckDB writes none where there is NaN, only mean that it is not known.
 */
export async function rangesThatHold(
  db: DuckDb,
  parquetFile: string,
  expectations: readonly Expectation[],
  types: Types,
  now: string,
): Promise<ReadonlySet<number>> {
  const asked = expectations.flatMap((expectation, place) =>
    isAsked(expectation, types) ? [{ expectation, place }] : [],
  )
  if (asked.length === 0) return new Set()
  const ranges = new Map(
    (
      await db.query(`SELECT path_in_schema AS "column", list(stats_min_value) FILTER (${HAS_VALUES}) AS least,
        list(stats_max_value) FILTER (${HAS_VALUES}) AS greatest
        FROM parquet_metadata(${text(parquetFile)}) GROUP BY path_in_schema`)
    ).map(({ column, least, greatest }) => [column, { least, greatest }] as const),
  )
  const bounds = new Map<string, readonly (number | string)[] | undefined>()
  const boundsOf = (column: string): readonly (number | string)[] | undefined => {
    if (!bounds.has(column)) bounds.set(column, extremes(ranges.get(column), types.get(column)!))
    return bounds.get(column)
  }
  const holding = asked.filter(
    ({ expectation }) =>
      boundsOf(expectation.column!)?.every(one => isWithin(expectation, one, now)) === true,
  )
  return new Set(holding.map(({ place }) => place))
}

/** The least and the greatest value; none of a column without values, undefined where a row group does not say. */
function extremes(
  range: { readonly least: JsonValue | undefined; readonly greatest: JsonValue | undefined } | undefined,
  type: string,
): readonly (number | string)[] | undefined {
  if (range === undefined) return undefined
  const [least, greatest] = [range.least, range.greatest] as ((string | null)[] | null)[]
  if (least === null || greatest === null) return []
  const texts = [...least!, ...greatest!]
  if (texts.includes(null)) return undefined
  if (type === 'DATE' || type === 'TIMESTAMP') {
    const sorted = (texts as string[]).map(comparableTime).toSorted()
    return [sorted[0]!, sorted.at(-1)!]
  }
  const numbers = texts.map(Number)
  const exact = isFloat(type)
    ? numbers.every(value => Number.isFinite(value))
    : numbers.every(value => Number.isSafeInteger(value))
  const sorted = numbers.toSorted((one, other) => one - other)
  return exact ? [sorted[0]!, sorted.at(-1)!] : undefined
}

function isAsked({ type, column, nan = 'missing' }: Expectation, types: Types): boolean {
  if (type !== 'expect_column_values_to_be_between') return false
  const own = types.get(column!)!
  // A path of nested columns is written with commas.
  return EXACT.includes(own) && !column!.includes(',') && !(isFloat(own) && nan === 'value')
}
