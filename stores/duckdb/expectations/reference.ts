import type { Expectation } from '../../../domain/expectations/expectation.js'
import { name } from '../duckdb.js'
import type { Scope } from './scope.js'

/** The view of another table, by its place among those that are asked of. */
export const otherTable = (tables: readonly string[], table: string): string =>
  `other${tables.indexOf(table)}`

/** True for a row whose value is in no row of the other table. */
export function unexpectedInReference(
  expectation: Expectation,
  scope: Scope,
  tables: readonly string[],
): string {
  const { column, other_table_name: table, other_column: other = column! } = expectation
  const value = scope.conditional(column!, expectation)
  const known = `SELECT ${name(other)} FROM ${otherTable(tables, table!)} WHERE ${name(other)} IS NOT NULL`
  return `${value} IS NOT NULL AND ${value} NOT IN (${known})`
}
