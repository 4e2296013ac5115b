import type { Json } from '../canonical-json.js'
import type { Problem } from '../errors.js'
import {
  any,
  constant,
  type FieldCheck,
  listOf,
  nullable,
  number,
  object,
  objectOf,
  oneOf,
  text,
} from '../pipelines/fields.js'
import { located, type Path, type PipelineProblem } from '../pipelines/problems.js'
import { StepChecker, type Known } from './check.js'
import type { FittedTransformation, StepState } from './fitted.js'
import { CATEGORY_LIMIT } from './limits.js'
import { isFitted } from './plan.js'
import { stepProblems, transformationInvalid } from './problems.js'
import type { Step } from './steps.js'

/** A column may be named by nothing but spaces, and a category be empty. */
const anyText: FieldCheck = (value, path) =>
  typeof value === 'string' && !value.includes('\0') ? [] : [{ path, message: 'Must be text.' }]
const scalar: FieldCheck = (value, path, isOpen) =>
  typeof value === 'string' ? anyText(value, path, isOpen) : constant(value, path, isOpen)
const categories: FieldCheck = (value, path, isOpen) => {
  const wrong = listOf(scalar)(value, path, isOpen)
  if (wrong.length > 0) return wrong
  const values = value as readonly Json[]
  if (values.length > CATEGORY_LIMIT) {
    return [{ path, message: `Must be at most ${CATEGORY_LIMIT}.` }]
  }
  return new Set(values.map(String)).size === values.length
    ? []
    : [{ path, message: 'Has a category twice.' }]
}
const columnList = listOf(objectOf({ name: anyText, type: text }))

const STATES: Readonly<Record<NonNullable<StepState>['kind'], Readonly<Record<string, FieldCheck>>>> = {
  impute: { fills: listOf(scalar) },
  scale: { centers: listOf(number), scales: listOf(nonZero) },
  one_hot: {
    columns: listOf(
      objectOf({
        names: listOf(objectOf({ name: anyText, category: scalar })),
        infrequent: nullable(objectOf({ name: anyText, categories })),
        missing: nullable(anyText),
      }),
    ),
  },
  ordinal: { categories: listOf(categories) },
  target: {
    mean: number,
    columns: listOf(objectOf({ categories, encodings: listOf(number) })),
  },
  bin: { edges: listOf(listOf(number)) },
  clip: { bounds: listOf(objectOf({ min: nullable(number), max: nullable(number) })) },
}
const FIELDS: Readonly<Record<string, FieldCheck>> = {
  format: oneNumber,
  steps: any,
  input: columnList,
  state: any,
  output: columnList,
  rows: count,
}

/**
 * A fitted transformation that was read from outside.
 * @throws MlforgeError transformation_invalid with everything that is wrong with its form
 */
export function readFitted(json: Json): FittedTransformation {
  const ofFields = object(json, [], FIELDS, [], () => false).map(located)
  if (ofFields.length > 0) throw transformationInvalid(ofFields)
  const { steps, state } = json as Readonly<Record<string, Json>>
  const ofSteps = stepProblems(steps!)
  if (ofSteps.length > 0) throw transformationInvalid(ofSteps)
  const ofState = stateProblems(steps as unknown as Step[], state!)
  if (ofState.length > 0) throw transformationInvalid(ofState.map(located))
  const fitted = json as unknown as FittedTransformation
  const ofColumns = columnProblems(fitted)
  if (ofColumns.length > 0) throw transformationInvalid(ofColumns)
  return fitted
}

function stateProblems(steps: readonly Step[], state: Json): PipelineProblem[] {
  if (!Array.isArray(state) || state.length !== steps.length) {
    return [{ path: ['state'], message: `Must be a list of ${steps.length}, one for each step.` }]
  }
  return (state as readonly Json[]).flatMap((each, i) => oneState(steps[i]!, each, ['state', i]))
}

function oneState(step: Step, state: Json, path: Path): PipelineProblem[] {
  if (!hasState(step)) {
    return state === null ? [] : [{ path, message: `Must be null for a step of ${step.kind}.` }]
  }
  const fields = { kind: oneOf([step.kind]), ...STATES[step.kind] }
  const wrong = object(state, path, fields, [], () => false)
  if (wrong.length > 0) return wrong
  const lists = Object.entries(state as Readonly<Record<string, Json>>)
  return [
    ...lists.flatMap(([field, list]) => ofColumns(step.columns, list, [...path, field])),
    ...even(state, path),
  ]
}

function ofColumns(columns: readonly string[], list: Json, path: Path): PipelineProblem[] {
  if (!Array.isArray(list) || list.length === columns.length) return []
  return [{ path, message: `Must be a list of ${columns.length}, one for each column of the step.` }]
}

/** As many encodings as categories, and edges that ascend. */
function even(state: Json, path: Path): PipelineProblem[] {
  const { kind, columns, edges } = state as Readonly<Record<string, Json>>
  if (kind === 'bin') {
    return (edges as unknown as number[][]).flatMap((own, i) =>
      own.every((edge, at) => at === 0 || edge > own[at - 1]!)
        ? []
        : [{ path: [...path, 'edges', i], message: 'Each must be above the one before.' }],
    )
  }
  if (kind !== 'target') return []
  return (columns as unknown as { categories: []; encodings: [] }[]).flatMap((own, i) =>
    own.categories.length === own.encodings.length
      ? []
      : [{ path: [...path, 'columns', i], message: 'Must have as many encodings as categories.' }],
  )
}

/** True for a step of which there is a state: also where it is fixed from the start. */
function hasState(step: Step): step is Extract<Step, { kind: NonNullable<StepState>['kind'] }> {
  return isFitted(step) ? step.kind !== 'log' : ['impute', 'bin', 'clip'].includes(step.kind)
}

/** The steps must fit the input, and lead to the output. */
function columnProblems({ steps, state, input, output }: FittedTransformation): Problem[] {
  let known: Known = { columns: input, open: [] }
  const problems: PipelineProblem[] = []
  for (const [i, step] of steps.entries()) {
    const checker = new StepChecker(known, ['steps', i])
    known = checker.check(step, state[i]!)
    problems.push(...checker.problems)
  }
  const isSame =
    known.columns.length === output.length &&
    known.columns.every(
      ({ name, type }, i) => name === output[i]!.name && (type ?? output[i]!.type) === output[i]!.type,
    )
  if (problems.length === 0 && !isSame) {
    problems.push({ path: ['output'], message: 'Is not what the steps make of the input.' })
  }
  return problems.map(located)
}

function nonZero(value: Json, path: Path): PipelineProblem[] {
  const wrong = number(value, path, () => false)
  return wrong.length > 0 || value !== 0 ? wrong : [{ path, message: 'Must not be 0.' }]
}

function oneNumber(value: Json, path: Path): PipelineProblem[] {
  return value === 1 ? [] : [{ path, message: 'Is a format that this version does not know; it reads 1.' }]
}

function count(value: Json, path: Path): PipelineProblem[] {
  return Number.isSafeInteger(value) && Number(value) >= 0 ? [] : [{ path, message: 'Must be a count.' }]
}
