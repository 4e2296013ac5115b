import type { Json } from '../canonical-json.js'
import { MlforgeError, type Problem } from '../errors.js'
import {
  constant,
  type FieldCheck,
  type IsOpen,
  isObject,
  list,
  listOf,
  members,
  number,
  numberOf,
  object,
  oneOf,
  text,
} from '../pipelines/fields.js'
import { located, type Path, type PipelineProblem } from '../pipelines/problems.js'
import { didYouMean } from '../suggest.js'
import { CATEGORY_LIMIT, COLUMN_LIMIT, PRODUCT_LIMIT } from './limits.js'
import { productsOf } from './products.js'
import { DATE_PARTS, METHODS, type Step, type StepOf, STRATEGIES } from './steps.js'

type Fields = Readonly<Record<string, FieldCheck>>

const MAX_STEPS = 100
const MAX_BINS = 1000
/** A product of two smaller numbers is below 2^53. */
const MAX_BUCKETS = 2 ** 20
const trueOrFalse: FieldCheck = (value, path) =>
  typeof value === 'boolean' ? [] : [{ path, message: 'Must be true or false.' }]
const share: FieldCheck = (value, path) =>
  typeof value === 'number' && value >= 0 && value <= 1
    ? []
    : [{ path, message: 'Must be a number of 0 to 1.' }]
const columns = list(text)

/** By kind; those with a question mark may be left out. */
const FIELDS: Readonly<Record<Step['kind'], Fields>> = {
  impute: { columns, strategy: oneOf(STRATEGIES), 'value?': constant, 'indicator?': trueOrFalse },
  scale: { columns, method: oneOf(METHODS) },
  one_hot: {
    columns,
    'minFrequency?': frequency,
    'maxCategories?': numberOf(1, COLUMN_LIMIT, 'whole'),
    'unknown?': oneOf(['ignore', 'error', 'infrequent']),
    'nulls?': oneOf(['zeros', 'category']),
    'dropOriginal?': trueOrFalse,
  },
  ordinal: {
    columns,
    'order?': members(order),
    'unknown?': oneOf(['error', 'null', 'value']),
    'unknownValue?': whole,
  },
  target: { columns, target: text, 'smoothing?': smoothing },
  bin: {
    columns,
    strategy: oneOf(['quantile', 'uniform', 'edges']),
    'bins?': numberOf(2, MAX_BINS, 'whole'),
    'edges?': edges,
    'encode?': oneOf(['ordinal']),
  },
  clip: { columns, 'min?': number, 'max?': number, 'lowerQuantile?': share, 'upperQuantile?': share },
  log: { columns, 'offset?': number, 'invalid?': oneOf(['error', 'null']) },
  date_parts: {
    columns,
    parts: list(oneOf(DATE_PARTS)),
    'cyclical?': trueOrFalse,
    'dropOriginal?': trueOrFalse,
  },
  hash: {
    columns,
    buckets: numberOf(2, MAX_BUCKETS, 'whole'),
    'seed?': numberOf(0, 2 ** 32 - 1, 'whole'),
    'tokens?': trueOrFalse,
  },
  interact: { columns, degree: numberOf(2, 3, 'whole'), 'interactionOnly?': trueOrFalse },
  select: { columns },
  drop: { columns },
  filter: { where: text },
  sql: { columns: members(text) },
}
const KINDS = Object.keys(FIELDS)

/**
 * Everything that is wrong with steps as they are written, at paths such as `steps[2].columns`; nothing for a list of
 * 1 to 100 good ones, which then is a `Step[]`. Which columns there are is not looked at.
 */
export function stepProblems(steps: Json): Problem[] {
  return writtenStepProblems(steps).map(({ path, message }) => located({ path: ['steps', ...path], message }))
}

/**
 * The same, paths beginning at the list.
 * @param isOpen says which values are not known yet
 */
export function writtenStepProblems(steps: Json, isOpen: IsOpen = () => false): PipelineProblem[] {
  if (isOpen(steps)) return []
  if (!Array.isArray(steps) || steps.length === 0 || steps.length > MAX_STEPS) {
    const example = '{ kind: scale, columns: [temp], method: standard }'
    return [{ path: [], message: `Must be a list of 1 to ${MAX_STEPS} steps, such as ${example}.` }]
  }
  return (steps as readonly Json[]).flatMap((step, i) => oneProblems(step, [i], isOpen))
}

/** A transformation that cannot be fitted, or that is none, with all that is wrong with it. */
export function transformationInvalid(problems: readonly Problem[]): MlforgeError {
  return withProblems('transformation_invalid', problems)
}

/** A table or a row that a fitted transformation cannot be applied to, with all that is wrong with it. */
export function transformationMismatch(problems: readonly Problem[]): MlforgeError {
  return withProblems('transformation_mismatch', problems)
}

function withProblems(
  code: 'transformation_invalid' | 'transformation_mismatch',
  problems: readonly Problem[],
): MlforgeError {
  return new MlforgeError(code, problems.map(({ at, message }) => `${at}: ${message}`).join(' '), {
    problems,
  })
}

function oneProblems(step: Json, path: Path, isOpen: IsOpen): PipelineProblem[] {
  if (isOpen(step)) return []
  const kind = isObject(step) ? step['kind'] : undefined
  if (!isObject(step) || kind === undefined) {
    return [{ path, message: `Must be an object with "kind": ${KINDS.join(', ')}.` }]
  }
  if (isOpen(kind)) return []
  if (typeof kind !== 'string' || !KINDS.includes(kind)) {
    const hint = typeof kind === 'string' ? didYouMean(kind, KINDS) : ''
    const message = `There is no step ${JSON.stringify(kind)}.${hint} There are: ${KINDS.join(', ')}.`
    return [{ path: [...path, 'kind'], message }]
  }
  const written = Object.entries(FIELDS[kind as Step['kind']])
  const plain = (name: string): string => name.replace(/\?$/, '')
  const fields = {
    kind: (): [] => [],
    ...Object.fromEntries(written.map(([name, check]) => [plain(name), check])),
  }
  const optional = written.flatMap(([name]) => (name.endsWith('?') ? [plain(name)] : []))
  const ofFields = object(step, path, fields, optional, isOpen)
  if (ofFields.length > 0 || Object.values(step).some(value => value !== undefined && isOpen(value)))
    return ofFields
  return together(step as unknown as Step, path)
}

/** What is wrong between fields that are good each by itself. */
function together(step: Step, path: Path): PipelineProblem[] {
  switch (step.kind) {
    case 'impute':
      return onlyWith(path, 'value', step.value, 'strategy', 'constant', step.strategy)
    case 'ordinal':
      return [
        ...onlyWith(path, 'unknownValue', step.unknownValue, 'unknown', 'value', step.unknown),
        ...orderOfOthers(step, path),
      ]
    case 'bin':
      return [
        ...onlyWith(path, 'edges', step.edges, 'strategy', 'edges', step.strategy),
        ...binsMissing(step, path),
      ]
    case 'clip':
      return boundsProblems(step, path)
    case 'date_parts':
      return []
    case 'hash':
      return step.tokens === true && step.buckets > COLUMN_LIMIT
        ? [{ path: [...path, 'buckets'], message: `With "tokens" at most ${COLUMN_LIMIT}.` }]
        : []
    case 'interact':
      return productProblems(step, path)
    default:
      return []
  }
}

function onlyWith(
  path: Path,
  field: string,
  value: unknown,
  other: string,
  wanted: string,
  found: string | undefined,
): PipelineProblem[] {
  if ((value !== undefined) === (found === wanted)) return []
  const message =
    value === undefined ? `"${field}" is needed for ${other} ${wanted}.` : `Only for ${other} ${wanted}.`
  return [{ path: [...path, field], message }]
}

function orderOfOthers(
  { columns: own, order: given = {} }: StepOf<'ordinal'>,
  path: Path,
): PipelineProblem[] {
  return Object.keys(given)
    .filter(column => !own.includes(column))
    .map(column => ({
      path: [...path, 'order', column],
      message: `"${column}" is none of the columns of the step.${didYouMean(column, own)}`,
    }))
}

function binsMissing({ strategy, bins }: StepOf<'bin'>, path: Path): PipelineProblem[] {
  const at = [...path, 'bins']
  if (strategy === 'edges') {
    return bins === undefined ? [] : [{ path: at, message: 'Not with strategy edges, which say how many.' }]
  }
  return bins === undefined ? [{ path: at, message: `"bins" is needed for strategy ${strategy}.` }] : []
}

function boundsProblems(
  { min, max, lowerQuantile: lower, upperQuantile: upper }: StepOf<'clip'>,
  path: Path,
): PipelineProblem[] {
  if ((min ?? max ?? lower ?? upper) === undefined) {
    return [{ path, message: 'Needs a bound: min, max, lowerQuantile or upperQuantile.' }]
  }
  const found: PipelineProblem[] = []
  if (min !== undefined && lower !== undefined) found.push({ path, message: 'Has min and lowerQuantile.' })
  if (max !== undefined && upper !== undefined) found.push({ path, message: 'Has max and upperQuantile.' })
  if (min !== undefined && max !== undefined && min > max) {
    found.push({ path, message: `min ${min} is above max ${max}.` })
  }
  if (lower !== undefined && upper !== undefined && lower > upper) {
    found.push({ path, message: `lowerQuantile ${lower} is above upperQuantile ${upper}.` })
  }
  return found
}

function productProblems(step: StepOf<'interact'>, path: Path): PipelineProblem[] {
  const count = productsOf(step, PRODUCT_LIMIT + 1).length
  if (count === 0) return [{ path: [...path, 'columns'], message: 'Needs two columns or more.' }]
  if (count <= PRODUCT_LIMIT) return []
  return [{ path: [...path, 'columns'], message: `Would make more than ${PRODUCT_LIMIT} products.` }]
}

function frequency(value: Json, path: Path): PipelineProblem[] {
  const fits = typeof value === 'number' && value > 0 && (value < 1 || Number.isSafeInteger(value))
  return fits ? [] : [{ path, message: 'Must be a whole number from 1, or a share of the rows below 1.' }]
}

function smoothing(value: Json, path: Path): PipelineProblem[] {
  const fits = value === 'auto' || (typeof value === 'number' && Number.isFinite(value) && value >= 0)
  return fits ? [] : [{ path, message: 'Must be auto, or a number from 0.' }]
}

function whole(value: Json, path: Path): PipelineProblem[] {
  return Number.isSafeInteger(value) ? [] : [{ path, message: 'Must be a whole number.' }]
}

function order(value: Json, path: Path): PipelineProblem[] {
  const wrong = listOf(constant)(value, path, () => false)
  if (wrong.length > 0) return wrong
  const values = value as readonly Json[]
  if (values.length === 0 || values.length > CATEGORY_LIMIT) {
    return [{ path, message: `Must be a list of 1 to ${CATEGORY_LIMIT}.` }]
  }
  return new Set(values).size === values.length ? [] : [{ path, message: 'Has a category twice.' }]
}

function edges(value: Json, path: Path): PipelineProblem[] {
  const wrong = listOf(number)(value, path, () => false)
  if (wrong.length > 0) return wrong
  const values = value as readonly number[]
  const ascends = values.every((edge, i) => i === 0 || edge > values[i - 1]!)
  return values.length >= 2 && values.length <= MAX_BINS + 1 && ascends
    ? []
    : [{ path, message: `Must be 2 to ${MAX_BINS + 1} numbers, each above the one before.` }]
}
