import type { Problem } from '../errors.js'
import type { Json } from '../canonical-json.js'
import { canApplyRows, type Row, stagesOf } from './apply-row.js'
import { type Column, kindOfType } from './columns.js'
import { instantOf } from './dates.js'
import type { FittedTransformation } from './fitted.js'
import { writesOf } from './plan.js'
import { transformationMismatch } from './problems.js'
import type { MakeValues } from './row-steps.js'
import { categoryIn, instantIn } from './row-values.js'

/** A transformation as far as some of its columns need it, for single rows. */
export interface Replay {
  /** What a row must have. */
  readonly input: readonly Column[]
  /** What it may have beside that: columns of the table that the transformation was fitted to. */
  readonly known: ReadonlySet<string>
  /**
   * The columns of a row that has the input, each of its type.
   * @throws MlforgeError transformation_mismatch for an unknown category or a value without logarithm, where a step
   *   refuses it
   */
  readonly apply: (row: Row) => Row
}

/**
 * The part of a transformation that makes these columns: steps that have no part in them are left out, and with them
 * what those refuse. What it makes of a row is what `applyTransformation` makes of it in a table.
 * @throws MlforgeError transformation_mismatch for steps that `canApplyRows` names
 */
export function replayOf(fitted: FittedTransformation, wanted: readonly string[]): Replay {
  const { prevented } = canApplyRows(fitted)
  if (prevented.length > 0) throw transformationMismatch(prevented)
  const { makes, needed } = sliced(fitted, wanted)
  const input = fitted.input.filter(({ name }) => needed.has(name))
  return {
    input,
    known: new Set(fitted.input.map(({ name }) => name)),
    apply: row => {
      // What is dropped stays in it: nothing that is needed looks at it.
      const values = new Map<string, Json>(input.map(({ name }) => [name, row[name]!]))
      for (const make of makes) for (const [name, value] of make(values)) values.set(name, value)
      return Object.fromEntries(wanted.map(name => [name, values.get(name)!]))
    },
  }
}

/** From the last step back to the first: which of them are needed, and of which columns. */
function sliced(fitted: FittedTransformation, wanted: readonly string[]) {
  const all = stagesOf(fitted)
  const makes: MakeValues[] = []
  let needed = new Set(wanted)
  for (let i = all.length - 1; i >= 0; i--) {
    const { step, make, names } = all[i]!
    const before = new Set(i === 0 ? fitted.input.map(({ name }) => name) : all[i - 1]!.names)
    const isNew = (name: string): boolean => !before.has(name)
    const written = new Set([...writesOf(step), ...names.filter(isNew)])
    if (![...needed].some(name => written.has(name))) continue
    makes.unshift(make)
    // A target is read by the fit only.
    const read = 'columns' in step && Array.isArray(step.columns) ? (step.columns as readonly string[]) : []
    needed = new Set([...[...needed].filter(name => !isNew(name)), ...read])
  }
  return { makes, needed }
}

/** A time of day, with a zone, could be of another day. */
function isDay(text: string): boolean {
  return /^\d{4,6}-\d\d-\d\d$/.test(text)
}

/** Columns of the input that a row lacks, and values that none of its column can be. */
export function inputProblems({ input }: Pick<Replay, 'input'>, row: Row): Problem[] {
  return input.flatMap(({ name, type }): Problem[] => {
    if (!Object.hasOwn(row, name)) return [{ at: name, message: `is missing; it is ${type}.` }]
    const value = row[name]!
    const kind = kindOfType(type)
    try {
      if (kind === 'date') instantIn(name, type, value, text => (isDay(text) ? instantOf(text) : NaN))
      else if (kind === 'timestamp') instantIn(name, type, value, instantOf)
      else categoryIn(name, type, value)
      return []
    } catch {
      return [{ at: name, message: `is no value of a column of ${type}.` }]
    }
  })
}
