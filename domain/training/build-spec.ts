import type { CodeState } from '../data/commit.js'
import { aType } from '../datasets/schema.js'
import { MlforgeError, type ErrorCode, type Problem } from '../errors.js'
import { didYouMean } from '../suggest.js'
import { DEFAULT_GATE, type GatePolicy } from './gate.js'
import type { Period, TrainingSpec } from './spec.js'
import { validateRounds, validateXgboostParameters } from './xgboost-parameters.js'

/** A training as somebody asks for it; what is left out has a default. */
export interface TrainingRequest {
  readonly model: string
  /** A version as `selectorOf` takes it; `latest` where left out. */
  readonly dataset: { readonly name: string; readonly version?: number | string }
  readonly code?: CodeState
  readonly engine?: 'xgboost'
  readonly parameters?: Readonly<Record<string, unknown>>
  readonly rounds?: number
  readonly checkpointEvery?: number
  readonly resume?: 'exact' | 'any'
  readonly features: readonly string[]
  readonly target: string
  readonly split: TrainingSpec['split']
  readonly baseline?: { readonly by: readonly string[] }
  readonly transformation?: TrainingSpec['transformation']
  readonly clip?: { readonly min?: number; readonly max?: number }
  readonly gate?: Partial<GatePolicy>
  readonly control?: TrainingSpec['control']
}

/** The part of a dataset version that a training is checked against before it starts. */
export interface DatasetFacts {
  readonly name: string
  readonly version: number
  readonly root: string
  readonly schema: readonly { readonly name: string; readonly type: string }[]
  readonly profile: {
    readonly columns: readonly {
      readonly name: string
      readonly nulls: number
      readonly distinct: number
      readonly numeric: { readonly nan: number; readonly infinite: number } | null
    }[]
  }
}

interface Found extends Problem {
  readonly code: ErrorCode
}

const DEFAULT_ROUNDS = 500
/** A checkpoint holds the whole model, so its cost grows with the rounds; every 250 costs a few per cent. */
const DEFAULT_CHECKPOINT_EVERY = 250
const FEATURE_TYPES = ['integer', 'number', 'boolean']
const TARGET_TYPES = ['integer', 'number']
const DAY = /^\d{4}-\d{2}-\d{2}$/

/**
 * The complete specification of a training on a dataset version.
 * @throws MlforgeError with the code of the first problem and all problems in its details
 */
export function buildTrainingSpec(request: TrainingRequest, dataset: DatasetFacts): TrainingSpec {
  const exactResume = (request.resume ?? 'exact') === 'exact'
  const rounds = request.rounds ?? DEFAULT_ROUNDS
  const checkpointEvery = request.checkpointEvery ?? DEFAULT_CHECKPOINT_EVERY
  const { parameters, problems } = validateXgboostParameters(request.parameters ?? {}, { exactResume })
  const wrong = [validateRounds(rounds), validateRounds(checkpointEvery, 'checkpointEvery')]
  const found: Found[] = [
    ...columnProblems(request, dataset),
    ...targetProblems(request, dataset),
    ...splitProblems(request),
    ...problems,
    ...wrong.filter(problem => problem !== undefined),
    ...boundProblems(request),
  ]
  if (found.length > 0) {
    const more = found.length > 1 ? ` (and ${found.length - 1} more problems)` : ''
    throw new MlforgeError(found[0]!.code, `${found[0]!.at}: ${found[0]!.message}${more}`, {
      problems: found.map(({ at, message }) => ({ at, message })),
    })
  }
  return {
    model: request.model,
    dataset: { name: dataset.name, version: dataset.version, root: dataset.root },
    engine: request.engine ?? 'xgboost',
    parameters,
    rounds,
    checkpointEvery,
    features: request.features,
    target: request.target,
    split: request.split,
    baseline: { by: request.baseline?.by ?? [] },
    ...(request.transformation ? { transformation: { ...request.transformation } } : {}),
    ...(request.clip ? { clip: request.clip } : {}),
    gate: { ...DEFAULT_GATE, ...request.gate },
    ...(request.control ? { control: request.control } : {}),
    ...(request.code ? { code: request.code } : {}),
  }
}

function columnProblems(request: TrainingRequest, { schema, name, version }: DatasetFacts): Found[] {
  const names = schema.map(column => column.name)
  const types = new Map(schema.map(column => [column.name, column.type]))
  const unknown = (at: string, column: string): Found[] =>
    types.has(column)
      ? []
      : [
          {
            at,
            code: 'unknown_column',
            message: `${name} version ${version} has no column "${column}".${didYouMean(column, names)}`,
          },
        ]
  const none: Found[] =
    request.features.length > 0
      ? []
      : [{ at: 'features', code: 'invalid_request', message: 'names no column to learn from.' }]
  const features = request.features.flatMap((feature, i): Found[] => {
    const at = `features[${i}]`
    if (!types.has(feature)) return unknown(at, feature)
    if (feature === request.target) {
      return [{ at, code: 'invalid_request', message: `"${feature}" is the target and cannot be a feature.` }]
    }
    if (request.features.indexOf(feature) < i) {
      return [{ at, code: 'invalid_request', message: `"${feature}" is named twice.` }]
    }
    if (FEATURE_TYPES.includes(types.get(feature)!)) return []
    const message = `"${feature}" is ${aType(types.get(feature)!)}; features must be integer, number or boolean columns.`
    return [{ at, code: 'invalid_request', message }]
  })
  const { column } = request.split
  const splitType = types.get(column)
  const split: Found[] =
    splitType === undefined || splitType === 'date' || splitType === 'timestamp'
      ? unknown('split.column', column)
      : [
          {
            at: 'split.column',
            code: 'split_invalid',
            message: `"${column}" is ${aType(splitType)}; rows are split by a date or timestamp column.`,
          },
        ]
  const baseline = (request.baseline?.by ?? []).flatMap((by, i): Found[] => {
    const at = `baseline.by[${i}]`
    if (by !== request.target || !types.has(by)) return unknown(at, by)
    const message = `"${by}" is the target; a baseline that knows it makes no errors.`
    return [{ at, code: 'invalid_request', message }]
  })
  return [...none, ...features, ...unknown('target', request.target), ...split, ...baseline]
}

function targetProblems({ target }: TrainingRequest, { schema, profile }: DatasetFacts): Found[] {
  const column = schema.find(known => known.name === target)
  const numbers = profile.columns.find(known => known.name === target)
  if (!column || !numbers) return []
  const at = 'target'
  if (!TARGET_TYPES.includes(column.type)) {
    const message = `"${target}" is ${aType(column.type)}; a regression needs a number.`
    return [{ at, code: 'target_invalid', message }]
  }
  if (numbers.distinct <= 1) {
    const message = `"${target}" has the same value in every row: there is nothing to learn.`
    return [{ at, code: 'target_invalid', message }]
  }
  const { nan = 0, infinite = 0 } = numbers.numeric ?? {}
  const bad = numbers.nulls + nan + infinite
  if (bad === 0) return []
  const message = `"${target}" is missing in ${numbers.nulls} rows, NaN in ${nan} and infinite in ${infinite}. Every label must be a finite number.`
  return [{ at, code: 'label_invalid', message }]
}

function splitProblems({ split }: TrainingRequest): Found[] {
  const { train, holdout } = split
  const days: [string, string | undefined][] = [
    ['split.train.from', train.from],
    ['split.train.until', train.until],
    ['split.holdout.from', holdout.from],
    ['split.holdout.until', holdout.until],
  ]
  const unreadable = days.flatMap(([at, day]): Found[] =>
    day === undefined || isDay(day)
      ? []
      : [{ at, code: 'split_invalid', message: `"${day}" is no day; write YYYY-MM-DD.` }],
  )
  if (unreadable.length > 0) return unreadable
  const order: Found[] = []
  const empty = (at: string, period: Period) => {
    if (period.from !== undefined && period.from >= period.until) {
      order.push({
        at,
        code: 'split_invalid',
        message: `begins on ${period.from}, at or after its end ${period.until}.`,
      })
    }
  }
  empty('split.train', train)
  empty('split.holdout', holdout)
  if (train.until > holdout.from) {
    order.push({
      at: 'split.holdout.from',
      code: 'split_invalid',
      message: `Training rows go on until ${train.until}; held-out rows must not begin before that (${holdout.from}).`,
    })
  }
  return order
}

function isDay(text: string): boolean {
  if (!DAY.test(text)) return false
  const [year, month, day] = text.split('-').map(Number) as [number, number, number]
  const last = [
    31,
    (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28,
    31,
    30,
    31,
    30,
    31,
    31,
    30,
    31,
    30,
    31,
  ]
  return month >= 1 && month <= 12 && day >= 1 && day <= last[month - 1]!
}

function boundProblems({ clip, gate }: TrainingRequest): Found[] {
  const found: Found[] = []
  if (clip?.min !== undefined && clip.max !== undefined && clip.min >= clip.max) {
    found.push({
      at: 'clip',
      code: 'parameter_out_of_range',
      message: `min ${clip.min} is not below max ${clip.max}.`,
    })
  }
  for (const [name, value] of Object.entries(gate ?? {})) {
    if (value !== undefined && !(value > 0)) {
      found.push({ at: `gate.${name}`, code: 'parameter_out_of_range', message: `${value} is not above 0.` })
    }
  }
  return found
}
