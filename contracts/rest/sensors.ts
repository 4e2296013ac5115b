/** Exactly one of its members: what a sensor looks at. */
export interface SensorSource {
  /** Objects that others put below a prefix of the project's object store. */
  objects?: { prefix: string }
  /** New or changed files below a directory of the project. */
  directory?: { path: string; pattern?: string }
  /** Versions of a dataset: of one branch, or of all but those in quarantine. */
  dataset?: { name: string; branch?: string }
  /** Incidents that are opened, or windows that breach. */
  drift?: { deployment: string; on?: 'incident' | 'window' }
  /** Versions of a model whose figure is beyond a limit: exactly one of above, atLeast, below and atMost. */
  metric?: SensorMetric
  /** What is sent to POST /v1/sensors/{name}/events. */
  webhook?: Record<string, never>
  /** Runs of another pipeline that end. */
  pipeline?: { name: string; status?: 'succeeded' | 'failed' | 'any' }
}

export interface SensorMetric {
  model: string
  /** Only versions that the alias comes to name. */
  alias?: string
  metric: 'rmse' | 'mae' | 'wape' | 'relativeBias' | 'r2'
  above?: number
  atLeast?: number
  below?: number
  atMost?: number
}

export interface SensorPipeline {
  name: string
  /** Texts may hold `${{ tick.<field> }}`. */
  parameters?: Record<string, unknown>
}

export interface CreateSensor {
  name: string
  source: SensorSource
  pipeline: SensorPipeline
  intervalSeconds?: number
  maxOpenRuns?: number
  paused?: boolean
  note?: string
}

/** What is left out stays. Another source is begun anew. */
export interface UpdateSensor {
  source?: SensorSource
  pipeline?: SensorPipeline
  intervalSeconds?: number
  maxOpenRuns?: number
  note?: string
}

export interface ResetSensor {
  from: 'latest' | 'beginning'
  reason: string
}

export type SensorState = 'paused' | 'failing' | 'full' | 'watching' | 'waiting_for_worker'

export interface Sensor {
  name: string
  source: SensorSource
  pipeline: Required<SensorPipeline>
  intervalSeconds: number
  maxOpenRuns: number
  paused: boolean
  note: string | null
  /** `full`: as many of its runs are open as may be. `waiting_for_worker`: it has not looked yet. */
  state: SensorState
  /** Counts its definitions. */
  revision: number
  /** Counts how often it was begun anew, by a reset or with another source; its tick keys count anew then. */
  incarnation: number
  /** What the source had before is no tick. */
  since: string
  cursor: unknown
  lastError: { code: string; message: string } | null
  failingSince: string | null
  lookedAt: string | null
  nextLookAt: string | null
  openRuns: number
  ticks: { started: number; skipped: number; refused: number }
  webUrl: string
  createdAt: string
  updatedAt: string
}

export interface SensorTick {
  key: string
  incarnation: number
  payload: unknown
  outcome: 'started' | 'skipped' | 'refused'
  runId: string | null
  reason: string | null
  problems: { at: string; message: string }[]
  at: string
}

export interface SensorEvent {
  sensor: string
  key: string
  /** Counts the events of the sensor. */
  number: number
  /** True for one that was sent before. */
  replayed: boolean
  receivedAt: string
}
