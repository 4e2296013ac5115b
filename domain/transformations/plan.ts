import type { Json } from '../canonical-json.js'
import type { Problem } from '../errors.js'
import { located, type PipelineProblem } from '../pipelines/problems.js'
import type { Column } from './columns.js'
import { type Known, type KnownColumn, StepChecker } from './check.js'
import { datePartNames } from './dates.js'
import { productName, productsOf } from './products.js'
import { stepProblems, transformationInvalid } from './problems.js'
import type { Step } from './steps.js'

export const NO_COLUMN = 'No column would be left.'

/** What steps make of the columns of a table, as far as it is known before they are fitted. */
export interface CheckedColumns {
  readonly problems: readonly Problem[]
  /** A type is null where only DuckDB knows it: that of an expression. */
  readonly columns: readonly KnownColumn[]
  /** What the names of further columns begin with: those that one_hot makes when it is fitted. */
  readonly open: readonly string[]
}

/**
 * Follows the columns of a table through steps that are well written (`stepProblems`): columns that are not there, of
 * a type that a step cannot work with, or there twice. After the fit the result's columns are all known.
 * @param columns with types as DuckDB writes them
 */
export function checkColumns(steps: readonly Step[], columns: readonly Column[]): CheckedColumns {
  const problems: PipelineProblem[] = []
  let known: Known = { columns, open: [] }
  for (const [i, step] of steps.entries()) {
    const checker = new StepChecker(known, ['steps', i])
    known = checker.check(step)
    problems.push(...checker.problems)
    if (known.columns.length + known.open.length === 0)
      problems.push({ path: ['steps', i], message: NO_COLUMN })
  }
  return { problems: problems.map(located), ...known }
}

/**
 * Steps as somebody has written them, for a table with these columns.
 * @throws MlforgeError transformation_invalid with everything that is wrong with them
 */
export function checkSteps(written: Json, columns: readonly Column[]): readonly Step[] {
  const shape = stepProblems(written)
  if (shape.length > 0) throw transformationInvalid(shape)
  const steps = written as unknown as readonly Step[]
  const { problems } = checkColumns(steps, columns)
  if (problems.length > 0) throw transformationInvalid(problems)
  return steps
}

/** True for a step that looks at the rows of the fit. */
export function isFitted(step: Step): boolean {
  switch (step.kind) {
    case 'impute':
      return step.strategy !== 'constant'
    case 'bin':
      return step.strategy !== 'edges'
    case 'clip':
      return (step.lowerQuantile ?? step.upperQuantile) !== undefined
    case 'log':
      return step.invalid !== 'null'
    case 'scale':
    case 'one_hot':
    case 'ordinal':
    case 'target':
      return true
    default:
      return false
  }
}

/** Steps from one on that are fitted in one go, and the step before which the next go begins. */
export interface Batch {
  readonly fitted: readonly number[]
  readonly until: number
}

/**
 * The steps whose statistics can be taken together of the table that step `from` sees: nothing between has changed
 * the columns they read, or the rows.
 */
export function nextBatch(steps: readonly Step[], from: number, columns: readonly Column[]): Batch {
  const here = new Set(columns.map(({ name }) => name))
  const fitted: number[] = []
  let haveRowsChanged = false
  for (let i = from; i < steps.length; i++) {
    const step = steps[i]!
    if (isFitted(step)) {
      const reads = readsOf(step)
      if (haveRowsChanged || reads.some(column => !here.has(column))) return { fitted, until: i }
      fitted.push(i)
    }
    haveRowsChanged ||= step.kind === 'filter'
    for (const column of writesOf(step)) here.delete(column)
  }
  return { fitted, until: steps.length }
}

/** The columns that a step names, but not those in SQL. */
export function readsOf(step: Step): readonly string[] {
  if (step.kind === 'filter' || step.kind === 'sql') return []
  return step.kind === 'target' ? [...step.columns, step.target] : step.columns
}

/**
 * Columns that a table may lack when the steps are applied to it: read as a target, at most kept or dropped beside
 * that.
 */
export function onlyTargets(steps: readonly Step[]): ReadonlySet<string> {
  const targets = new Set(steps.flatMap(step => (step.kind === 'target' ? [step.target] : [])))
  for (const step of steps) {
    if (step.kind === 'select' || step.kind === 'drop') continue
    const named = step.kind === 'filter' ? [] : step.kind === 'sql' ? Object.keys(step.columns) : step.columns
    for (const column of named) targets.delete(column)
  }
  return targets
}

/** Columns that are no more what they were after a step, and those that it makes as far as they are known. */
export function writesOf(step: Step): readonly string[] {
  switch (step.kind) {
    case 'impute':
      return [...step.columns, ...step.columns.map(column => `${column}_missing`)]
    case 'date_parts':
      return [
        ...step.columns,
        ...step.columns.flatMap(column => datePartNames(column, step).map(({ name }) => name)),
      ]
    case 'interact':
      return productsOf(step).map(productName)
    case 'sql':
      return Object.keys(step.columns)
    case 'select':
    case 'filter':
      return []
    default:
      return step.columns
  }
}
