import type { ExpectationResult } from '../../contracts/rest/datasets.js'
import type { Result } from '../../domain/expectations/results.js'

/** What was found of an expectation, as answers have it. */
export function resultView({
  expectation,
  passed,
  observed,
  failing,
  rows,
  counts,
}: Result): ExpectationResult {
  return {
    expectation: structuredClone(expectation) as ExpectationResult['expectation'],
    passed,
    observed,
    failingRows: failing,
    examples: rows.map(({ row, values }) => ({ row, values: { ...values } })),
    ...(counts && { counts }),
  }
}
