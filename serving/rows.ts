import { MlforgeError } from '../domain/errors.js'
import { ProblemList } from '../domain/serving/problem-list.js'
import { readRaw } from '../domain/serving/raw-features.js'
import { readRows, type RequestedRow } from '../domain/serving/read-rows.js'
import { readFeatures, type RowFeatures } from '../domain/serving/row-features.js'
import { uuidv7 } from '../stores/ids.js'
import type { Choice, LoadedVersion, ServedPlan } from './plans/served-plan.js'

/** A row that can be scored, and the version that is to do it. */
export interface Row extends Choice {
  readonly id: string
  readonly key: string
  readonly eventTime: number
  readonly features: RowFeatures
  /** What the caller gave for them. */
  readonly given: unknown
}

/**
 * The rows of a request body, each checked against the signature of the version that will answer it.
 * @param pinned the version that the caller chose for all of them
 * @param now epoch milliseconds of the arrival
 * @throws MlforgeError invalid_request, or features_invalid when nothing but features is wrong
 */
export function checkedRows(plan: ServedPlan, pinned: Choice | undefined, body: unknown, now: number): Row[] {
  const problems = new ProblemList()
  const requested = readRows(body, now, uuidv7, problems)
  const wrongShape = problems.total > 0
  const rows = requested.flatMap((row, index) => checkedRow(plan, pinned, row, index, problems) ?? [])
  if (problems.total === 0) return rows
  throw new MlforgeError(
    wrongShape ? 'invalid_request' : 'features_invalid',
    `The request has ${counted(problems.total, 'problem', 'problems')}. Nothing was predicted.${problems.remainder}`,
    { problems: problems.named },
  )
}

function checkedRow(
  plan: ServedPlan,
  pinned: Choice | undefined,
  { id, key, eventTime, features: given }: RequestedRow,
  index: number,
  problems: ProblemList,
): Row | undefined {
  const choice = pinned ?? (key === '' ? plan.stable() : plan.choose(key))
  const features = featuresOf(choice.loaded, given, index, problems)
  return features && { id, key, eventTime, features, given, ...choice }
}

/** What a version sees of what a caller gave for row `row`; undefined where it refuses that. */
export function featuresOf(
  { signature, replay }: LoadedVersion,
  given: unknown,
  row: number,
  problems: ProblemList,
): RowFeatures | undefined {
  return replay === null
    ? readFeatures(signature, given, row, problems)
    : readRaw(signature, replay, given, row, problems)
}

/** `1 row`, `2 rows`. */
export const counted = (count: number, one: string, many: string): string =>
  `${count} ${count === 1 ? one : many}`
