/** Any run, whatever its kind. */
export interface Operation {
  id: string
  kind:
    | 'dataset'
    | 'push'
    | 'pull'
    | 'collection'
    | 'verification'
    | 'validation'
    | 'fit'
    | 'training'
    | 'rollout'
    | 'drift'
    | 'incident'
    | 'retraining'
    | 'pipeline'
    | 'map'
    | 'backfill'
  /** Name of the dataset, model, deployment or pipeline. */
  name: string
  status:
    | 'accepted'
    | 'running'
    | 'succeeded'
    | 'refused'
    | 'failed'
    | 'timed_out'
    | 'cancelled'
    | 'terminated'
    | 'lost'
    | 'start_failed'
  stage: string
  /** Counts starts of this run, from 1. */
  attempt: number
  error: RunProblem | null
  warnings: string[]
  retry: RetryState
  /** Who asked: `key:<name>`, `schedule:<name>`, `sensor:<name>`, `incident:<id>`, `retraining:<id>`, `pipeline:<id>` or `deployment:<name>`. */
  principal: string
  trigger: 'api' | 'schedule' | 'incident' | 'retraining' | 'alias' | 'pipeline' | 'sensor' | 'backfill'
  createdAt: string
  startedAt: string | null
  endedAt: string | null
  workflow: WorkflowLink
  links: { self: string; history: string; events: string; result: string | null }
}

export interface RunProblem {
  code: string
  /** HTTP status that the same problem has where it is found at once. */
  status: number
  message: string
  problems?: { at: string; message: string }[]
  [detail: string]: unknown
}

/** When a failed run is started again by itself, and what has come of that so far. */
export interface RetryState {
  codes: string[]
  maxAttempts: number
  delaySeconds: number
  /** Time of the next automatic start, null when none is planned. */
  nextAttemptAt: string | null
  /** Why no automatic start is planned, once the run has ended badly. */
  note: string | null
}

export interface WorkflowLink {
  workflowId: string
  /** Page of the run in Temporal Web; null until it has started. */
  webUrl: string | null
  /** Until when Temporal keeps the history; null while the run is open. The archived history has no end. */
  webUntil: string | null
}

/** One finished step of a run, from the step ledger: it is never done again. */
export interface StepRecord {
  step: string
  generation: number
  attempt: number
  finishedAt: string
  outcome: unknown
}
