import { MlforgeError } from '../errors.js'
import type { ModelSignature } from '../models/signature.js'
import { didYouMean } from '../suggest.js'
import type { Row } from '../transformations/apply-row.js'
import { inputProblems, type Replay } from '../transformations/replay.js'
import type { ProblemList } from './problem-list.js'
import { readFeatures, type RowFeatures } from './row-features.js'

/**
 * The features that a transformation makes of row `row`, as `readFeatures` gives those that callers send themselves.
 * All that is wrong goes to `problems`: columns that are missing or that the transformation does not know, values
 * that theirs cannot be, and what its steps refuse. Undefined when something is.
 */
export function readRaw(
  signature: ModelSignature,
  replay: Replay,
  given: unknown,
  row: number,
  problems: ProblemList,
): RowFeatures | undefined {
  // What is no object at all is said as of any features.
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return readFeatures(signature, given, row, problems)
  const at = `rows[${row}].features`
  const before = problems.total
  for (const problem of inputProblems(replay, given as Row))
    problems.add(`${at}.${problem.at}`, problem.message)
  for (const name of Object.keys(given)) {
    if (replay.known.has(name)) continue
    problems.add(
      `${at}.${name}`,
      () => `is no column that is transformed.${didYouMean(name.slice(0, 100), [...replay.known])}`,
    )
  }
  if (problems.total > before) return undefined
  const made = refusedTo(problems, at, () => replay.apply(given as Row))
  return made && readFeatures(signature, made, row, problems)
}

/** What steps make; undefined where they refuse a value. */
function refusedTo(problems: ProblemList, at: string, make: () => Row): Row | undefined {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof MlforgeError) || error.code !== 'transformation_mismatch') throw error
    for (const { message } of error.details.problems ?? []) problems.add(at, message)
    return undefined
  }
}
