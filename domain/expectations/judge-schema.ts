import type { Expectation, KnownColumn } from './expectation.js'
import type { Verdict } from './outcome.js'
import { columnTypeNamed } from './types.js'

/** Whether an expectation holds that asks of nothing but names and types of columns. */
export function judgeSchema(expectation: Expectation, columns: readonly KnownColumn[]): Verdict {
  const names = columns.map(({ name }) => name)
  const { column, min_value: min, max_value: max } = expectation
  switch (expectation.type) {
    case 'expect_column_to_exist': {
      const at = names.indexOf(column!)
      const { column_index: index } = expectation
      return { success: at >= 0 && (index === undefined || index === at), observed: null }
    }
    case 'expect_table_columns_to_match_set': {
      const { column_set: set, exact_match: exact = true } = expectation
      const missing = set!.filter(name => !names.includes(name))
      const unexpected = names.filter(name => !set!.includes(name))
      return {
        success: missing.length === 0 && (!exact || unexpected.length === 0),
        observed: names.toSorted(),
        details: { mismatched: { missing, unexpected } },
      }
    }
    case 'expect_table_columns_to_match_ordered_list': {
      const list = expectation.column_list!
      const mismatched = Array.from({ length: Math.max(list.length, names.length) }, (_, i) => ({
        expected_column_position: i,
        expected: list[i] ?? null,
        found: names[i] ?? null,
      })).filter(({ expected, found }) => expected !== found)
      return { success: mismatched.length === 0, observed: names, details: { mismatched } }
    }
    case 'expect_table_column_count_to_equal':
      return { success: names.length === expectation.value, observed: names.length }
    case 'expect_table_column_count_to_be_between': {
      const success = names.length >= Number(min ?? 0) && names.length <= Number(max ?? Infinity)
      return { success, observed: names.length }
    }
    default: {
      const { type_: one, type_list: several = [one!] } = expectation
      const found = columns.find(({ name }) => name === column)?.type ?? null
      return {
        success: found !== null && several.some(name => columnTypeNamed(name) === found),
        observed: found,
      }
    }
  }
}
