import type { Json } from '../canonical-json.js'
import type { Problem } from '../errors.js'
import { type FieldCheck, isObject, number, objectOf, oneOf, text } from '../pipelines/fields.js'
import { inputInvalid } from '../pipelines/invalid-input.js'
import { located, type Path, type PipelineProblem } from '../pipelines/problems.js'
import {
  COMPARISONS,
  DRIFT_SIGNALS,
  type DriftSignal,
  type SensorSource,
  WATCHED_ENDS,
  type WatchedEnd,
} from './sensor.js'
import { sourceProblems } from './source-problems.js'

/** Figures that the evaluation of a model version has. */
export const FIGURES = ['rmse', 'mae', 'wape', 'relativeBias', 'r2'] as const

/** A source as people write it: exactly one of its members. */
export interface RequestedSource {
  readonly objects?: { readonly prefix: string }
  readonly directory?: { readonly path: string; readonly pattern?: string }
  readonly dataset?: { readonly name: string; readonly branch?: string }
  readonly drift?: { readonly deployment: string; readonly on?: DriftSignal }
  readonly metric?: {
    readonly model: string
    readonly alias?: string
    readonly metric: string
    readonly above?: number
    readonly atLeast?: number
    readonly below?: number
    readonly atMost?: number
  }
  readonly webhook?: Readonly<Record<string, never>>
  readonly pipeline?: { readonly name: string; readonly status?: WatchedEnd }
}

const KINDS = ['objects', 'directory', 'dataset', 'drift', 'metric', 'webhook', 'pipeline'] as const

/** The source that somebody has written, or what is wrong with it. @param at of the source in what was written */
export function sourceOf(body: RequestedSource, at = 'source'): SensorSource | Problem {
  const [kind, another] = KINDS.filter(each => body[each] != null)
  if (kind === undefined || another !== undefined) {
    const message = `needs exactly one of ${KINDS.join(', ')}.`
    return { at: another === undefined ? at : `${at}.${another}`, message }
  }
  switch (kind) {
    case 'objects':
      return { kind, prefix: body.objects!.prefix }
    case 'directory':
      return { kind, path: body.directory!.path, pattern: body.directory!.pattern ?? '*' }
    case 'dataset':
      return { kind, ...body.dataset! }
    case 'drift':
      return { kind, deployment: body.drift!.deployment, on: body.drift!.on ?? 'incident' }
    case 'metric':
      return metricOf(body.metric!, at)
    case 'webhook':
      return { kind }
    case 'pipeline':
      return { kind, name: body.pipeline!.name, status: body.pipeline!.status ?? 'succeeded' }
  }
}

function metricOf(body: NonNullable<RequestedSource['metric']>, at: string): SensorSource | Problem {
  const { model, alias = null, metric } = body
  const [comparison, another] = COMPARISONS.filter(each => body[each] != null)
  if (comparison === undefined || another !== undefined) {
    return { at: `${at}.metric`, message: `needs exactly one of ${COMPARISONS.join(', ')}.` }
  }
  return { kind: 'metric', model, alias, metric, comparison, limit: body[comparison]! }
}

const known = objectOf(
  {
    objects: objectOf({ prefix: text }),
    directory: objectOf({ path: text, pattern: text }, ['pattern']),
    dataset: objectOf({ name: text, branch: text }, ['branch']),
    drift: objectOf({ deployment: text, on: oneOf(DRIFT_SIGNALS) }, ['on']),
    metric: objectOf(
      {
        ...{ model: text, alias: text, metric: oneOf(FIGURES) },
        ...{ above: number, atLeast: number, below: number, atMost: number },
      },
      ['alias', ...COMPARISONS],
    ),
    pipeline: objectOf({ name: text, status: oneOf(WATCHED_ENDS) }, ['status']),
  },
  ['objects', 'directory', 'dataset', 'drift', 'metric', 'pipeline'],
)

/** The source of a step; a webhook is none, since a step that waits for an event is a `wait`. */
export const stepSource: FieldCheck = (value, path, isOpen) => {
  const ofForm = known(value, path, isOpen)
  if (ofForm.length > 0) return ofForm
  const members = Object.values(value as Readonly<Record<string, Json>>)
  const isUnknown = (each: Json): boolean =>
    isOpen(each) || (isObject(each) && Object.values(each).some(inside => isOpen(inside ?? null)))
  // What is within a reference is not known; how many sources there are is.
  if (members.length === 1 && isOpen(members[0]!)) return []
  const source = sourceOf(value as RequestedSource, '')
  if ('at' in source) return [atPath(source, path)]
  if (members.some(isUnknown)) return []
  return sourceProblems(source, null, '').map(problem => atPath(problem, path))
}

/** Within a source are names only: `.metric.model`. */
function atPath({ at, message }: Problem, path: Path): PipelineProblem {
  return { path: [...path, ...at.split('.').slice(1)], message }
}

/**
 * The source that a step of a pipeline waits for.
 * @throws MlforgeError step_input_invalid, with all that is wrong
 */
export function sourceOfStep(value: Json): SensorSource {
  const problems = stepSource(value, ['source'], () => false)
  if (problems.length > 0) throw inputInvalid(problems.map(located))
  return sourceOf(value as RequestedSource) as SensorSource
}
