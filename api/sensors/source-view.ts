import type { SensorSource as View } from '../../contracts/rest/sensors.js'
import type { SensorSource } from '../../domain/sensors/sensor.js'

/** A source as it was asked for, with its defaults. */
export function sourceView(source: SensorSource): View {
  switch (source.kind) {
    case 'metric': {
      const { model, alias, metric, comparison, limit } = source
      const named = { model, ...(alias === null ? {} : { alias }) }
      const view = { ...named, metric, [comparison]: limit }
      return { metric: view as NonNullable<View['metric']> }
    }
    default: {
      const { kind, ...rest } = source
      return { [kind]: rest }
    }
  }
}
