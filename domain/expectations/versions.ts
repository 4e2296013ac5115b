import type { ExpectationType } from './catalogue.js'

const OF_CHANGE: ExpectationType = 'expect_table_row_count_change_to_be_between'

/** True for what is expected of a version beside the one before it. */
export function comparesVersions(expectation: unknown): boolean {
  return (expectation as { readonly type?: unknown } | null)?.type === OF_CHANGE
}
