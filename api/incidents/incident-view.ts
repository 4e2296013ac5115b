import type {
  IncidentEvent,
  IncidentRetraining,
  IncidentRun,
  IncidentSummary,
  IncidentWindow,
} from '../../contracts/rest/incidents.js'
import type { RetrainingSetOutcome } from '../../contracts/temporal/incidents.js'
import type { Retraining } from '../../domain/incidents/incident.js'
import { setStep } from '../../domain/retraining/set.js'
import type { Incident, IncidentEvent as EventRow } from '../../stores/postgres/entities/incident.js'
import type { LedgerStep } from '../../stores/postgres/entities/ledger-step.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { selfPath } from '../runs/run-view.js'

/** A retraining with the runs that it has started. */
export interface RetrainingRuns {
  readonly retraining: Retraining
  readonly set: RetrainingSetOutcome | undefined
  readonly training: Run | null
  readonly rollout: Run | null
}

export function incidentSummary(row: Incident): IncidentSummary {
  const { id, deployment, signal, status, message, state, openedAt, closedAt } = row
  const self = `/v1/incidents/${id}`
  return {
    id,
    deployment: deployment.name,
    signal,
    status,
    message,
    openedBy: state.openedBy.map(windowView),
    acknowledged: state.acknowledged && { ...state.acknowledged },
    openedAt: openedAt.toISOString(),
    closedAt: closedAt?.toISOString() ?? null,
    links: { self, page: `${self}/page`, events: `${self}/events`, operation: `/v1/operations/${id}` },
  }
}

export function eventView({ number, at, status, message, evidence }: EventRow): IncidentEvent {
  return { number, at: at.toISOString(), status, message, evidence: { ...evidence } }
}

export function retrainingView({ retraining, set, training, rollout }: RetrainingRuns): IncidentRetraining {
  const { number, trigger, dataUntil, version } = retraining
  return {
    number,
    trigger,
    dataUntil: new Date(dataUntil).toISOString(),
    version,
    dataset: set ? { name: set.dataset, version: set.version, rows: set.rows, added: set.added } : null,
    training: training && runView(training),
    rollout: rollout && runView(rollout),
  }
}

/** The set that was built for a retraining, as the step ledger has it. */
export function setOf(steps: readonly LedgerStep[], number: number): RetrainingSetOutcome | undefined {
  return steps.findLast(({ step }) => step === setStep(number))?.outcome as RetrainingSetOutcome | undefined
}

function runView(run: Run): IncidentRun {
  const { id, kind, status, error, result } = run
  const { rollout, reason } = (result ?? {}) as { rollout?: string; reason?: string | null }
  const told = reason ? `${rollout}: ${reason}` : rollout
  const outcome = told ?? error?.message ?? null
  return { id, kind: kind as IncidentRun['kind'], status, outcome, href: selfPath(run) }
}

function windowView({ id, start, end }: { id: string; start: number; end: number }): IncidentWindow {
  return { id, start: new Date(start).toISOString(), end: new Date(end).toISOString() }
}
