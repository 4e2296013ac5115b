import type { SensorSource as Requested } from '../../contracts/rest/sensors.js'
import type { Problem } from '../../domain/errors.js'
import { COMPARISONS, type SensorSource } from '../../domain/sensors/sensor.js'

const KINDS = ['objects', 'directory', 'dataset', 'drift', 'metric', 'webhook', 'pipeline'] as const

/** The source that a request names, or what is wrong with it. */
export function sourceOf(body: Requested): SensorSource | Problem {
  const [kind, another] = KINDS.filter(each => body[each] != null)
  if (kind === undefined || another !== undefined) {
    const message = `needs exactly one of ${KINDS.join(', ')}.`
    return { at: another === undefined ? 'source' : `source.${another}`, message }
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
      return metricOf(body.metric!)
    case 'webhook':
      return { kind }
    case 'pipeline':
      return { kind, name: body.pipeline!.name, status: body.pipeline!.status ?? 'succeeded' }
  }
}

function metricOf(body: NonNullable<Requested['metric']>): SensorSource | Problem {
  const { model, alias = null, metric } = body
  const [comparison, another] = COMPARISONS.filter(each => body[each] != null)
  if (comparison === undefined || another !== undefined) {
    return { at: 'source.metric', message: `needs exactly one of ${COMPARISONS.join(', ')}.` }
  }
  return { kind: 'metric', model, alias, metric, comparison, limit: body[comparison]! }
}

export function sourceView(source: SensorSource): Requested {
  switch (source.kind) {
    case 'metric': {
      const { model, alias, metric, comparison, limit } = source
      const named = { model, ...(alias === null ? {} : { alias }) }
      const view = { ...named, metric, [comparison]: limit }
      return { metric: view as NonNullable<Requested['metric']> }
    }
    default: {
      const { kind, ...rest } = source
      return { [kind]: rest }
    }
  }
}
