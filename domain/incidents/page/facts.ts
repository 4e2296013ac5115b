import type { RegressionMetrics } from '../../training/metrics.js'
import type { GateDecision } from '../../training/gate.js'
import type { PlanArm } from '../../routing/plan.js'
import type { Evidence, IncidentState } from '../incident.js'
import type { IncidentStatus } from '../incident-status.js'

/** All that an incident's page shows. Times are epoch milliseconds: of windows event times, else of the clock. */
export interface IncidentPageFacts {
  readonly id: string
  readonly deployment: string
  readonly model: string
  readonly message: string
  readonly state: IncidentState
  readonly openedAt: number
  readonly closedAt: number | null
  /** From the first breached window on, in order of event time. */
  readonly windows: readonly PageWindow[]
  readonly retrainings: readonly PageRetraining[]
  /** Plans since the incident was opened, and the one in force then, in order. */
  readonly plans: readonly PagePlan[]
  /** In order. */
  readonly events: readonly PageEvent[]
  /** Address of the run's workflow in Temporal Web; null before it has started. */
  readonly workflow: string | null
}

export interface PageWindow {
  readonly id: string
  readonly start: number
  readonly breached: boolean | null
  readonly reason: string
  readonly labelled: number
  readonly metrics: RegressionMetrics | null
  readonly versions: readonly { readonly version: number; readonly share: number }[]
  readonly report: string
}

export interface PageRetraining {
  readonly number: number
  readonly trigger: 'automatic' | 'requested'
  readonly dataUntil: number
  readonly version: number | null
  readonly set: {
    readonly name: string
    readonly version: number
    readonly rows: number
    readonly added: number
  } | null
  readonly training: PageRun | null
  readonly gate: GateDecision | null
  readonly rollout: PageRun | null
}

export interface PageRun {
  readonly id: string
  readonly kind: 'training' | 'pipeline' | 'rollout'
  readonly status: string
  /** How it ended, for people. */
  readonly outcome: string | null
  readonly href: string
}

export interface PagePlan {
  readonly revision: number
  readonly at: number
  readonly arms: readonly PlanArm[]
  readonly reason: string
}

export interface PageEvent {
  readonly number: number
  readonly at: number
  readonly status: IncidentStatus
  readonly message: string
  readonly evidence: Evidence
}
