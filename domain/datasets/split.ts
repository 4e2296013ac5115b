import { MlforgeError, type Problem } from '../errors.js'
import { didYouMean } from '../suggest.js'

/** Rows with from <= value < until, as ISO 8601 text in UTC: `2011-01-01` or `2011-01-01T12:00:00`. */
export interface TimeWindow {
  readonly from: string
  readonly until: string
}

export interface TimeSplit {
  /** The date or timestamp that orders the rows in time. */
  readonly column: string
  readonly train: { readonly from?: string; readonly until: string }
  readonly holdout: TimeWindow
  readonly features: readonly string[]
  readonly target: string
  /** Further columns that both tables keep. */
  readonly keep?: readonly string[]
  /**
   * Shuffles the target over the training rows with this seed (`permutation`): nothing can be learnt
   * from such a table, which shows that the gate refuses what does not beat its baseline.
   */
  readonly permuteTarget?: { readonly seed: number }
}

const ISO = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?$/

/** Columns of both tables: time, kept, features, target; each once. */
export function splitColumns({ column, keep = [], features, target }: TimeSplit): string[] {
  return [...new Set([column, ...keep, ...features, target])]
}

/**
 * Everything that can be said about a split before the rows are read.
 * @param types columns of the table and their DuckDB types
 * @throws MlforgeError unknown_column, target_invalid, split_invalid, with all problems of that kind
 */
export function checkSplit(split: TimeSplit, types: ReadonlyMap<string, string>): void {
  const known = [...types.keys()]
  const { column, train, holdout, features, target, permuteTarget } = split
  refuse(
    'unknown_column',
    splitColumns(split)
      .filter(wanted => !types.has(wanted))
      .map(wanted => ({
        at: wanted,
        message: `There is no column "${wanted}".${didYouMean(wanted, known)}`,
      })),
  )
  const type = types.get(target)!
  if (!isNumeric(type)) {
    refuse('target_invalid', [
      { at: 'target', message: `The target ${target} is ${type}; it must be a number.` },
    ])
  }
  const problems: Problem[] = []
  const say = (at: string, message: string): void => void problems.push({ at, message })
  if (!/^(DATE|TIMESTAMP)/.test(types.get(column)!)) {
    say('column', `${column} is ${types.get(column)}; a split by time needs a date or timestamp.`)
  }
  if (features.length === 0) say('features', 'At least one feature is needed.')
  for (const feature of features) {
    const found = types.get(feature)!
    if (feature === target) say('features', `The target ${target} cannot be a feature.`)
    else if (!isNumeric(found) && found !== 'BOOLEAN')
      say('features', `${feature} is ${found}; features must be numbers or booleans.`)
  }
  if (new Set(features).size < features.length) say('features', 'A feature is named twice.')
  const bounds = {
    'train.from': train.from,
    'train.until': train.until,
    'holdout.from': holdout.from,
    'holdout.until': holdout.until,
  }
  for (const [at, bound] of Object.entries(bounds)) {
    if (bound !== undefined && instant(bound) === null)
      say(at, `"${bound}" is no date or time; write 2011-09-01 or 2011-09-01T00:00:00.`)
  }
  if (problems.length === 0) {
    if (train.from !== undefined && instant(train.from)! >= instant(train.until)!)
      say('train', 'ends before it begins.')
    if (instant(holdout.from)! >= instant(holdout.until)!) say('holdout', 'ends before it begins.')
    if (instant(holdout.from)! < instant(train.until)!) {
      say(
        'holdout.from',
        `The holdout begins ${holdout.from}, before training ends at ${train.until}; it must come after.`,
      )
    }
  }
  const seed = permuteTarget?.seed ?? 0
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)
    say('permuteTarget.seed', 'must be a whole number, 0 to 2^32 - 1.')
  refuse('split_invalid', problems)
}

function refuse(
  code: 'unknown_column' | 'target_invalid' | 'split_invalid',
  problems: readonly Problem[],
): void {
  const [first] = problems
  if (first !== undefined) throw new MlforgeError(code, `${first.at}: ${first.message}`, { problems })
}

function isNumeric(type: string): boolean {
  return /^(BIGINT|INTEGER|DOUBLE|FLOAT)$/.test(type)
}

function instant(bound: string): number | null {
  if (!ISO.test(bound)) return null
  const time = Date.parse(`${bound.length === 10 ? `${bound}T00:00` : bound.replace(' ', 'T')}Z`)
  // Date.parse takes 31 February for 3 March.
  return Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== bound.slice(0, 10) ? null : time
}
