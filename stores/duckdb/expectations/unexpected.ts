import { DATE_FORMATS } from '../../../domain/datasets/date-formats.js'
import type { Expectation } from '../../../domain/expectations/expectation.js'
import { name, text } from '../duckdb.js'
import { boundLiteral, isIn, literal } from './literals.js'
import type { Scope } from './scope.js'
import { columnTypeOf, isFloat } from './table.js'

/** True in SQL for a row that is judged, and is not as a row expectation of the scan has it; else false or NULL. */
export function unexpectedInScan(expectation: Expectation, scope: Scope): string {
  const { type, column, column_A: a } = expectation
  if (column !== undefined) return ofColumn(expectation, scope.value(column, expectation), scope)
  if (a !== undefined) return ofPair(expectation, scope)
  const columns = expectation.column_list!
  const values = columns.map(each => scope.value(each, expectation))
  switch (type) {
    case 'expect_multicolumn_sum_to_equal': {
      const wide = columns.every(each => columnTypeOf(scope.typeOf(each)) === 'integer')
        ? 'HUGEINT'
        : 'DOUBLE'
      const sum = values.map(value => `${value}::${wide}`).join(' + ')
      return `(${sum} = ${text(String(expectation.sum_total))}::DOUBLE) IS NOT TRUE`
    }
    case 'expect_multicolumn_values_to_be_equal':
      return `NOT (${columns.map((_, i) => same(columns, values, 0, i, scope)).join(' AND ')})`
    default: {
      const alike = columns.flatMap((_, i) =>
        columns.slice(0, i).map((_each, j) => same(columns, values, j, i, scope)),
      )
      return alike.join(' OR ') || 'false'
    }
  }
}

function ofColumn(expectation: Expectation, value: string, scope: Scope): string {
  const { column, regex, regex_list: regexes, like_pattern: like, like_pattern_list: likes } = expectation
  const type = scope.typeOf(column!)
  const words = type === 'VARCHAR' ? value : `${value}::VARCHAR`
  const matches = (pattern: string): string => `regexp_matches(${words}, ${text(pattern)})`
  const isLike = (pattern: string): string => `${words} LIKE ${text(pattern)}`
  const anyOrAll = (conditions: readonly string[]): string =>
    `NOT (${conditions.join(expectation.match_on === 'all' ? ' AND ' : ' OR ')})`
  switch (expectation.type) {
    case 'expect_column_values_to_be_null':
      return `${value} IS NOT NULL`
    case 'expect_column_values_to_not_be_null':
      return `${value} IS NULL`
    case 'expect_column_values_to_be_in_set':
      return `NOT ${isIn(value, expectation.value_set!, type)}`
    case 'expect_column_values_to_not_be_in_set':
      return isIn(value, expectation.value_set!, type)
    case 'expect_column_values_to_be_between':
      return between(expectation, name(column!), type, scope.now)
    case 'expect_column_values_to_match_regex':
      return `NOT ${matches(regex!)}`
    case 'expect_column_values_to_not_match_regex':
      return matches(regex!)
    case 'expect_column_values_to_match_regex_list':
      return anyOrAll(regexes!.map(matches))
    case 'expect_column_values_to_not_match_regex_list':
      return regexes!.map(matches).join(' OR ')
    case 'expect_column_values_to_match_like_pattern':
      return `NOT (${isLike(like!)})`
    case 'expect_column_values_to_not_match_like_pattern':
      return isLike(like!)
    case 'expect_column_values_to_match_like_pattern_list':
      return anyOrAll(likes!.map(isLike))
    case 'expect_column_values_to_not_match_like_pattern_list':
      return likes!.map(isLike).join(' OR ')
    case 'expect_column_value_lengths_to_equal':
      return `length(${words}) <> ${expectation.value}`
    case 'expect_column_value_lengths_to_be_between':
      return outside(expectation, `length(${words})`, 'BIGINT', scope.now)
    case 'expect_column_values_to_match_strftime_format':
      return `${value} IS NOT NULL AND try_strptime(${words}, ${text(expectation.strftime_format!)}) IS NULL`
    case 'expect_column_values_to_be_dateutil_parseable': {
      const formats = DATE_FORMATS.map(({ format }) => text(format)).join(', ')
      return `${value} IS NOT NULL AND TRY_CAST(${words} AS TIMESTAMP) IS NULL AND try_strptime(${words}, [${formats}]) IS NULL`
    }
    default:
      return `NOT json_valid(${words})`
  }
}

/** Of the column as it is: only values above the upper bound are asked whether they are NaN. */
function between(expectation: Expectation, column: string, type: string, now: string): string {
  const { min_value: min, max_value: max, nan = 'missing' } = expectation
  if (!isFloat(type)) return outside(expectation, column, type, now)
  const { min_value: _min, ...upper } = expectation
  const { max_value: _max, ...lower } = expectation
  const below = min === undefined ? [] : [outside(lower, column, type, now)]
  // DuckDB orders NaN above every number.
  const above = max === undefined ? [] : [outside(upper, column, type, now)]
  if (nan === 'value') return [...below, ...above, `isnan(${column})`].join(' OR ')
  return [...below, ...above.map(one => `(${one} AND NOT isnan(${column}))`)].join(' OR ')
}

function outside(
  { min_value: min, max_value: max, strict_min: strictMin, strict_max: strictMax }: Expectation,
  value: string,
  type: string,
  now: string,
): string {
  const parts = []
  if (min !== undefined)
    parts.push(`${value} ${strictMin === true ? '<=' : '<'} ${boundLiteral(min, type, now)}`)
  if (max !== undefined)
    parts.push(`${value} ${strictMax === true ? '>=' : '>'} ${boundLiteral(max, type, now)}`)
  return parts.join(' OR ')
}

function ofPair(expectation: Expectation, scope: Scope): string {
  const columns = [expectation.column_A!, expectation.column_B!]
  const values = columns.map(column => scope.value(column, expectation))
  const [a, b] = values
  switch (expectation.type) {
    case 'expect_column_pair_values_to_be_equal':
      return areComparable(columns, 0, 1, scope) ? `(${a} = ${b}) IS NOT TRUE` : 'true'
    case 'expect_column_pair_values_a_to_be_greater_than_b':
      return `(${a} ${expectation.or_equal === true ? '>=' : '>'} ${b}) IS NOT TRUE`
    default: {
      const sides = (pair: readonly unknown[]): string =>
        pair
          .map((value, i) =>
            value === null
              ? `${values[i]} IS NULL`
              : `${values[i]} IS NOT DISTINCT FROM ${literal(value as string, scope.typeOf(columns[i]!))}`,
          )
          .join(' AND ')
      return `NOT (${expectation.value_pairs_set!.map(pair => `(${sides(pair)})`).join(' OR ')})`
    }
  }
}

/** Two missing values are the same; values of kinds that cannot be compared are never. */
function same(
  columns: readonly string[],
  values: readonly string[],
  i: number,
  j: number,
  scope: Scope,
): string {
  return areComparable(columns, i, j, scope)
    ? `(${values[i]} IS NOT DISTINCT FROM ${values[j]})`
    : `(${values[i]} IS NULL AND ${values[j]} IS NULL)`
}

function areComparable(columns: readonly string[], i: number, j: number, scope: Scope): boolean {
  const [one, other] = [i, j].map(at => columnTypeOf(scope.typeOf(columns[at]!)))
  const family = (type: string | undefined): string | undefined =>
    type === 'integer' ? 'number' : type === 'date' ? 'timestamp' : type
  return family(one) === family(other)
}
