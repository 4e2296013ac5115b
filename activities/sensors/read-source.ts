import type { Sensor } from '../../stores/postgres/entities/sensor.js'
import type { NewTick } from '../../stores/postgres/sensor-tick-store.js'
import type { SensorCursor, SensorSource, SourceTick } from '../../domain/sensors/sensor.js'
import type { Ports } from '../ports.js'

export type SourcePorts = Pick<
  Ports,
  'datasets' | 'models' | 'deployments' | 'pipelines' | 'objects' | 'sensorTicks' | 'sensorSources'
> & {
  /** Directories of sensors are relative to it. */
  readonly projectDirectory: string
}

/** Ticks of one look: their payloads pass through the history. */
export const PAGE = 10

/** What a source has past where it was read to. */
export interface SourcePage {
  readonly ticks: readonly SourceTick[]
  /** Where it is read to once all ticks are taken on. */
  readonly cursor: SensorCursor | null
  readonly more: boolean
  /** What it had before the sensor began, where that has to be remembered. */
  readonly skipped?: readonly Pick<NewTick, 'key' | 'payload'>[]
}

/** Where a reader is, and what it must leave out. */
export type Reading<K extends SensorSource['kind']> = Pick<
  Sensor,
  'id' | 'project' | 'incarnation' | 'since'
> & {
  readonly source: Extract<SensorSource, { kind: K }>
  readonly cursor: SensorCursor | null
}
