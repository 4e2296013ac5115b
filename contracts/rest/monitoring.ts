/** How a deployment is to be watched; what is left out gets its default. */
export interface SetMonitoring {
  /** Calendar months by default. */
  window?: WindowSpec
  /** Fewest labelled rows that an assessment rests on. */
  minLabelled?: number
  /** Smallest share of a window's rows that must be labelled. */
  minLabelledShare?: number
  breach?: { maxRelativeBias?: number; maxWape?: number }
  /** Breached windows in a row that open an incident. */
  breachesInARow?: number
  /** `sameSeason` by default. */
  reference?: Reference
  /** Features that are not what their type says; the others are compared as they are. */
  columns?: ColumnDeclaration[]
  /** A numeric feature by whose quartiles errors are shown as well. */
  quartilesOf?: string
}

/** How event time is cut, in UTC. */
export interface WindowSpec {
  every: 'month' | 'week' | 'day' | 'fixed'
  /** fixed: its length, at least a minute. */
  lengthMs?: number
  /** fixed: when one begins, epoch milliseconds. */
  originMs?: number
}

/** What a window's columns are compared with. */
export interface Reference {
  /**
   * Training rows of the version that answered most of the window (`training`), those of the same season
   * of other years (`sameSeason`), those of a pinned version, or the predictions of the windows before.
   */
  kind: 'training' | 'sameSeason' | 'trailing' | 'version'
  /** trailing: how many windows. */
  windows?: number
  /** version: its number. */
  version?: number
}

export interface ColumnDeclaration {
  name: string
  /** `time` says when, such as a month or an hour: it differs by definition and is not compared. */
  role?: 'feature' | 'time'
  type?: 'numeric' | 'categorical'
}

/** The policy in force, complete. */
export interface Monitoring {
  window: WindowSpec
  minLabelled: number
  minLabelledShare: number
  breach: { maxRelativeBias: number; maxWape: number }
  breachesInARow: number
  reference: Reference
  columns: MonitoredColumn[]
  quartilesOf: string | null
  /** Windows that wait for their end or for labels, as of the last look of the schedule; oldest first. */
  pending: PendingWindow[]
  /** When the schedule last looked at rows and labels; null before. */
  lookedAt: string | null
}

export interface MonitoredColumn {
  name: string
  role: 'feature' | 'prediction' | 'label' | 'time'
  type: 'numeric' | 'categorical'
}

export interface PendingWindow {
  id: string
  start: string
  end: string
  state: 'open' | 'waiting_for_labels'
  reason: string
}

/** The latest assessment of a window. */
export interface WindowSummary {
  id: string
  /** Event times: the start belongs to it, the end does not. */
  start: string
  end: string
  /** Counts assessments of the window, from 1: late rows and corrected labels make new ones. */
  revision: number
  state: 'open' | 'waiting_for_labels' | 'assessable' | 'too_few'
  reason: string
  /** Null where errors could not be judged. */
  breached: boolean | null
  rows: number
  labelled: number
  /** Predictions that were dropped and not logged: no number here has them. */
  dropped: number
  versions: { version: number; share: number }[]
  metrics: WindowMetrics | null
  checks: WindowCheck[]
  runId: string
  createdAt: string
  links: { self: string; report: string; json: string; run: string }
}

export interface WindowMetrics {
  rmse: number
  mae: number
  wape: number | null
  relativeBias: number | null
  r2: number | null
}

export interface WindowCheck {
  metric: 'relativeBias' | 'wape'
  observed: number | null
  threshold: number
  breached: boolean
  message: string
}

/** A window with all its evidence. */
export interface DriftWindow extends WindowSummary {
  /** What it was compared with, in words. */
  reference: string
  /** Label and prediction first, then features; none of it decides about a breach. */
  columns: ColumnDrift[]
  quartiles: { column: string; groups: QuartileErrors[] } | null
  gaps: { from: string; to: string; dropped: number }[]
  /** SHA-256 of what it follows from. */
  fingerprint: string
}

export interface ColumnDrift {
  column: string
  role: 'feature' | 'prediction' | 'label' | 'time'
  status: 'assessed' | 'not_assessed' | 'not_tested'
  /** Why it is not compared. */
  reason?: string
  /** What the first test says. */
  drifted?: boolean
  tests?: unknown[]
  bins?: unknown[]
  rows?: { reference: number; current: number }
}

export interface QuartileErrors {
  /** Null for rows without a value. */
  values: { min: number; max: number } | null
  rows: number
  mae: number
  relativeBias: number | null
  wape: number | null
}
