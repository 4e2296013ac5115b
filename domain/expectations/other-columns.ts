import type { ColumnType } from '../datasets/schema.js'
import { didYouMean } from '../suggest.js'
import type { FoundProblem } from './column-problems.js'
import type { Expectation, KnownColumn } from './expectation.js'

/** A version of another dataset that expectations look at: a Parquet file. */
export interface OtherTable {
  readonly version: number
  readonly file: string
}

const MOST_NAMES = 20

/** Values of types that stand together here can be equal. */
const ALIKE: Readonly<Record<ColumnType, string>> = {
  integer: 'number',
  number: 'number',
  date: 'time',
  timestamp: 'time',
  string: 'string',
  boolean: 'boolean',
}

/**
 * What is wrong with an expectation about a column of another table: known only when there is a version of that.
 * @param of the other table, and its columns
 */
export function otherColumnProblems(
  { type, column, other_table_name: table, other_column: other = column }: Expectation,
  at: string,
  columns: readonly KnownColumn[],
  of: Pick<OtherTable, 'version'> & { readonly columns: readonly KnownColumn[] },
): FoundProblem[] {
  if (type !== 'expect_column_values_to_be_in_other_table') return []
  const whole = `version ${of.version} of dataset "${table}"`
  const found = of.columns.find(({ name }) => name.toLowerCase() === other!.toLowerCase())
  if (found === undefined) {
    const names = of.columns.map(({ name }) => name)
    const more = names.length > MOST_NAMES ? ', ...' : ''
    const message = `${whole} has no column "${other}".${didYouMean(other!, names)} It has ${names.slice(0, MOST_NAMES).join(', ')}${more}.`
    return [{ at: `${at}.other_column`, message, unknownColumn: true }]
  }
  const own = columns.find(({ name }) => name === column)
  if (own?.type === undefined || found.type === undefined || ALIKE[own.type] === ALIKE[found.type]) return []
  const message = `${found.name} of ${whole} is of type ${found.type}, and ${column} is of type ${own.type}: none of its values can be in it.`
  return [{ at: `${at}.other_column`, message }]
}
