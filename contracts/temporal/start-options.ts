import { TypedSearchAttributes, WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/common'
import type { RunKind } from '../../domain/names.js'
import { type RunInput, type RunLimits, WORKFLOWS } from './messages.js'
import { QUEUES } from './queues.js'
import { searchAttributes } from './search-attributes.js'

/** What the start of a run depends on, as its row has it. */
export interface StartableRun {
  readonly id: string
  readonly project: string
  readonly kind: RunKind
  readonly name: string
  readonly attempt: number
  readonly generation: number
  readonly workflowId: string
  readonly principal: string
  readonly trigger: string
  /** Before others of its kind, or after them; null or left out for that of its kind. */
  readonly priority?: number | null
}

/** Tasks are handed out in this order: 1 comes first, 5 last; 3 is the server's default. A run's own outweighs it. */
const PRIORITY: Record<RunKind, number> = {
  rollout: 1,
  incident: 2,
  retraining: 2,
  pipeline: 3,
  map: 3,
  backfill: 4,
  dataset: 2,
  push: 2,
  pull: 2,
  collection: 4,
  verification: 4,
  validation: 2,
  fit: 3,
  training: 3,
  drift: 3,
}

/** The search attribute that holds the run's name; transformations have none. */
const NAMED_BY = {
  rollout: searchAttributes.deployment,
  incident: searchAttributes.deployment,
  retraining: searchAttributes.deployment,
  drift: searchAttributes.deployment,
  dataset: searchAttributes.dataset,
  push: searchAttributes.dataset,
  pull: searchAttributes.dataset,
  collection: searchAttributes.dataset,
  verification: searchAttributes.dataset,
  validation: searchAttributes.dataset,
  training: searchAttributes.model,
  pipeline: searchAttributes.pipeline,
  map: searchAttributes.pipeline,
  backfill: searchAttributes.asset,
} as const satisfies Record<Exclude<RunKind, 'fit'>, unknown>

const WHAT: Record<RunKind, string> = {
  rollout: 'Roll out to deployment',
  incident: 'Incident of deployment',
  dataset: 'Commit a version of dataset',
  push: 'Push to dataset',
  pull: 'Pull from dataset',
  collection: 'Collect what no version needs:',
  verification: 'Verify dataset',
  validation: 'Check expectations of dataset',
  fit: 'Fit transformation',
  training: 'Train model',
  retraining: 'Retrain deployment',
  pipeline: 'Run pipeline',
  map: 'Map of pipeline',
  backfill: 'Backfill of asset',
  drift: 'Check a window of deployment',
}

/**
 * How a run is started, the same by whoever starts it: the API, the relay or a schedule's tick.
 * The id is the run's: a start of what is running joins it (USE_EXISTING); a run that has ended
 * well never starts again, one that has ended badly may (ALLOW_DUPLICATE_FAILED_ONLY).
 */
export function startOptions(run: StartableRun, limits: RunLimits) {
  const { project, id: runId, name, attempt, generation } = run
  const input: RunInput = { project, runId, name, attempt, generation, limits }
  return {
    type: WORKFLOWS[run.kind],
    input,
    options: {
      workflowId: run.workflowId,
      taskQueue: QUEUES.workflows,
      // Steps of a pipeline that has ended well may be reset; its row says which attempt is wanted.
      workflowIdReusePolicy:
        run.kind === 'pipeline'
          ? WorkflowIdReusePolicy.ALLOW_DUPLICATE
          : WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      priority: { priorityKey: run.priority ?? PRIORITY[run.kind], fairnessKey: project },
      staticSummary: summary(run),
      typedSearchAttributes: new TypedSearchAttributes([
        { key: searchAttributes.project, value: project },
        { key: searchAttributes.kind, value: run.kind },
        ...(run.kind === 'fit' ? [] : [{ key: NAMED_BY[run.kind], value: name }]),
        { key: searchAttributes.trigger, value: run.trigger },
      ]),
    },
  }
}

function summary(run: StartableRun): string {
  const what = `${WHAT[run.kind]} ${run.name}`
  return run.attempt === 1 ? `${what}, asked by ${run.principal}` : `${what}, attempt ${run.attempt}`
}
