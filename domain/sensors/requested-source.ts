import type { Json } from '../canonical-json.js'
import type { Problem } from '../errors.js'
import { inputInvalid } from '../pipelines/invalid-input.js'
import { type Shape, shapeProblems } from '../pipelines/shape.js'
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
  readonly dataset?: { readonly name: string }
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
      return { kind, name: body.dataset!.name }
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

/** Of a step; a webhook is none, since a step that waits for an event is a `wait`. */
const STEP_SOURCE: Shape = {
  fields: {
    objects: { fields: { prefix: 'text' }, needed: ['prefix'] },
    directory: { fields: { path: 'text', pattern: 'text' }, needed: ['path'] },
    dataset: { fields: { name: 'text' }, needed: ['name'] },
    drift: { fields: { deployment: 'text', on: { oneOf: DRIFT_SIGNALS } }, needed: ['deployment'] },
    metric: {
      fields: {
        model: 'text',
        alias: 'text',
        metric: { oneOf: FIGURES },
        above: 'number',
        atLeast: 'number',
        below: 'number',
        atMost: 'number',
      },
      needed: ['model', 'metric'],
    },
    pipeline: { fields: { name: 'text', status: { oneOf: WATCHED_ENDS } }, needed: ['name'] },
  },
  needed: [],
}

/**
 * The source that a step of a pipeline waits for.
 * @throws MlforgeError step_input_invalid, with all that is wrong
 */
export function sourceOfStep(value: Json): SensorSource {
  const ofShape = shapeProblems(value, STEP_SOURCE, 'source')
  if (ofShape.length > 0) throw inputInvalid(ofShape)
  const source = sourceOf(value as RequestedSource)
  const problems = 'at' in source ? [source] : sourceProblems(source, null)
  if (problems.length > 0) throw inputInvalid(problems)
  return source as SensorSource
}
