import type { Expectation } from '../../../domain/expectations/expectation.js'

/** The columns an expectation judges, in order. */
export function judgedColumns(expectation: Expectation): readonly string[] {
  const { column, column_A: a, column_B: b, column_list: list } = expectation
  if (column !== undefined) return [column]
  return a !== undefined ? [a, b!] : (list ?? [])
}

/** True for a row that is judged: one with values; undefined when every row is. */
export function isJudged(expectation: Expectation, valueOf: (column: string) => string): string | undefined {
  const columns = judgedColumns(expectation)
  if (columns.length === 0) return undefined
  const there = columns.map(column => `${valueOf(column)} IS NOT NULL`)
  const ignored =
    expectation.ignore_row_if ??
    (expectation.column_A === undefined ? 'all_values_are_missing' : 'both_values_are_missing')
  switch (ignored) {
    case 'neither':
    case 'never':
      return undefined
    case 'both_values_are_missing':
    case 'all_values_are_missing':
      return there.join(' OR ')
    case 'either_value_is_missing':
    case 'any_value_is_missing':
      return there.join(' AND ')
  }
}
