import type { Json } from '../canonical-json.js'

/** How a figure is compared with its limit. */
export const COMPARISONS = ['above', 'atLeast', 'below', 'atMost'] as const
export type Comparison = (typeof COMPARISONS)[number]

export const WATCHED_ENDS = ['succeeded', 'failed', 'any'] as const
export type WatchedEnd = (typeof WATCHED_ENDS)[number]

export const DRIFT_SIGNALS = ['incident', 'window'] as const
export type DriftSignal = (typeof DRIFT_SIGNALS)[number]

export interface FigureLimit {
  readonly metric: string
  readonly comparison: Comparison
  readonly limit: number
}

/** What a sensor looks at. */
export type SensorSource =
  /** Objects that others put below a prefix of the project's object store. */
  | { readonly kind: 'objects'; readonly prefix: string }
  /** Files below a directory, which is relative to the project's. */
  | { readonly kind: 'directory'; readonly path: string; readonly pattern: string }
  /** Versions of a branch, or of all but those in quarantine. */
  | { readonly kind: 'dataset'; readonly name: string; readonly branch?: string }
  /** Incidents that are opened, or windows that breach. */
  | { readonly kind: 'drift'; readonly deployment: string; readonly on: DriftSignal }
  /** A figure of the evaluation of each version, or of the one that an alias names. */
  | ({ readonly kind: 'metric'; readonly model: string; readonly alias: string | null } & FigureLimit)
  /** What others send. */
  | { readonly kind: 'webhook' }
  /** Runs of another pipeline that end. */
  | { readonly kind: 'pipeline'; readonly name: string; readonly status: WatchedEnd }

export type SourceKind = SensorSource['kind']

/** Members of a tick's payload, by the kind of its source; null where it is whatever was sent. */
export const PAYLOADS: Readonly<Record<SourceKind, readonly string[] | null>> = {
  objects: ['name', 'uri', 'sha256', 'bytes', 'modifiedAt'],
  directory: ['path', 'sha256', 'bytes', 'modifiedAt'],
  dataset: ['dataset', 'version', 'root', 'rows'],
  drift: ['deployment', 'incident', 'window', 'at'],
  metric: ['model', 'version', 'alias', 'metric', 'value', 'limit'],
  webhook: null,
  pipeline: ['pipeline', 'runId', 'status', 'attempt'],
}

/** Where a source has been read to: what stands in it is the source's own matter. */
export type SensorCursor = Readonly<Record<string, Json>>

/** Something that a source has, which no tick was before. */
export interface SourceTick {
  /** Names it among all that the source ever has. */
  readonly key: string
  /** Null for an event that was sent: it is in its row. */
  readonly payload: Readonly<Record<string, Json>> | null
  /** Of the source once this was taken on. */
  readonly cursor: SensorCursor
}

export const TICK_OUTCOMES = ['started', 'skipped', 'refused'] as const
export type TickOutcome = (typeof TICK_OUTCOMES)[number]

/** A figure beyond its limit; one that is not there, or no number, is not. */
export function crosses(value: unknown, { comparison, limit }: FigureLimit): value is number {
  if (typeof value !== 'number' || !Number.isFinite(value)) return false
  switch (comparison) {
    case 'above':
      return value > limit
    case 'atLeast':
      return value >= limit
    case 'below':
      return value < limit
    case 'atMost':
      return value <= limit
  }
}

const LONGEST_BACK_OFF_SECONDS = 900

/**
 * Seconds until the next look: those of the sensor, or, after looks that failed in a row, twice as many each
 * time, up to a quarter of an hour or the sensor's own where that is longer.
 */
export function secondsToNextLook(intervalSeconds: number, failures: number): number {
  const most = Math.max(intervalSeconds, LONGEST_BACK_OFF_SECONDS)
  return Math.min(most, intervalSeconds * 2 ** Math.min(failures, 20))
}
