import type { Json } from '../canonical-json.js'
import type { Problem } from '../errors.js'
import { type Known, StepChecker } from './check.js'
import type { Column } from './columns.js'
import type { FittedTransformation } from './fitted.js'
import { onlyTargets } from './plan.js'
import { transformationMismatch } from './problems.js'
import { type MakeValues, makeValues, type Values } from './row-steps.js'
import type { Step } from './steps.js'

/** A row as JSON: infinities and whole numbers past 2^53 are text, dates ISO 8601 text. */
export type Row = Readonly<Record<string, Json>>

/** The steps that only DuckDB can do; none where single rows can be transformed without it. */
export function canApplyRows({ steps }: Pick<FittedTransformation, 'steps'>): {
  readonly prevented: readonly Problem[]
} {
  const prevented = steps.flatMap((step, i) =>
    step.kind === 'sql' || step.kind === 'filter'
      ? [{ at: `steps[${i}]`, message: `A step of ${step.kind} is SQL, and cannot be done on single rows.` }]
      : [],
  )
  return { prevented }
}

const compiled = new WeakMap<FittedTransformation, (row: Row) => Row>()

/**
 * Transforms one row as `applyTransformation` does those of a table. Columns that the transformation does not know
 * are left out; those that are a target only may be missing, and then are null.
 * @throws MlforgeError transformation_mismatch for a column that is missing, a value of another type, an unknown
 *   category or a value without logarithm where that is an error, and for steps that `canApplyRows` names
 */
export function applyRow(fitted: FittedTransformation, row: Row): Row {
  let apply = compiled.get(fitted)
  if (apply === undefined) {
    apply = compile(fitted)
    compiled.set(fitted, apply)
  }
  return apply(row)
}

/** A step on rows. */
export interface Stage {
  readonly step: Step
  readonly make: MakeValues
  /** The columns after it. */
  readonly names: readonly string[]
}

function compile(fitted: FittedTransformation): (row: Row) => Row {
  const { prevented } = canApplyRows(fitted)
  if (prevented.length > 0) throw transformationMismatch(prevented)
  const stages = stagesOf(fitted)
  const optional = onlyTargets(fitted.steps)
  return row => {
    let values: Values = inputOf(fitted.input, optional, row)
    for (const { make, names } of stages) {
      const made = new Map(make(values))
      const before = values
      values = new Map(names.map(name => [name, made.has(name) ? made.get(name)! : before.get(name)!]))
    }
    return Object.fromEntries(values)
  }
}

/** The steps of a transformation that `canApplyRows`. */
export function stagesOf({ steps, state, input }: FittedTransformation): Stage[] {
  let known: Known = { columns: input, open: [] }
  return steps.map((step, i) => {
    // There is no SQL in these steps: every type is known.
    const make = makeValues(step, state[i]!, known.columns as readonly Column[], `steps[${i}]`)
    known = new StepChecker(known, ['steps', i]).check(step, state[i]!)
    return { step, make, names: known.columns.map(({ name }) => name) }
  })
}

function inputOf(input: readonly Column[], optional: ReadonlySet<string>, row: Row): Values {
  const absent = input.filter(({ name }) => !Object.hasOwn(row, name) && !optional.has(name))
  if (absent.length > 0) {
    throw transformationMismatch(
      absent.map(({ name, type }) => ({ at: name, message: `The row has no "${name}" (${type}).` })),
    )
  }
  return new Map(input.map(({ name }) => [name, Object.hasOwn(row, name) ? row[name]! : null]))
}
