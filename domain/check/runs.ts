import type { RunStatus } from '../runs/run-status.js'
import type { CheckProblem, RunFacts, StackFacts } from './facts.js'

/** How the workflow may have ended for each status of a run; null: Temporal may know none. */
const ENDED_AS: Record<Exclude<RunStatus, 'accepted' | 'running'>, readonly (string | null)[]> = {
  succeeded: ['COMPLETED'],
  refused: ['COMPLETED'],
  failed: ['FAILED'],
  timed_out: ['FAILED', 'TIMED_OUT'],
  // A run that is cancelled before it started has no workflow.
  cancelled: ['CANCELLED', null],
  terminated: ['TERMINATED'],
  lost: [null],
  start_failed: [null],
}

/** A start that is owed for longer has something in its way. */
const OWED_SECONDS = 60

/** Run rows against Temporal, and starts that are owed. */
export function checkRuns(facts: StackFacts): CheckProblem[] {
  const owed = new Map(facts.owed.map(start => [start.runId, start]))
  const problems = facts.runs.flatMap(run => {
    // Not asked for: Temporal could not be reached.
    if (!facts.workflows.has(run.workflowId)) return []
    const workflow = facts.workflows.get(run.workflowId) ?? null
    return run.status === 'accepted' || run.status === 'running'
      ? openRun(run, workflow, owed.has(run.id))
      : endedRun(run, run.status, workflow, facts)
  })
  const known = new Set(facts.runs.map(run => run.workflowId))
  for (const workflowId of facts.openWorkflows.filter(id => !known.has(id))) {
    const message =
      'This workflow is open in Temporal, and no run row has its id. Terminate it in Temporal Web.'
    problems.push({ code: 'workflow_without_run', at: workflowId, message })
  }
  for (const { runId, createdAt, tries, lastError } of facts.owed) {
    const seconds = Math.floor((facts.now.getTime() - createdAt.getTime()) / 1000)
    if (seconds < OWED_SECONDS) continue
    const why = lastError === null ? '' : ` (last: ${lastError})`
    const message = `Its start has been owed for ${seconds} s after ${tries} tries${why}. Look at Temporal and worker-io with mlforge status.`
    problems.push({ code: 'start_overdue', at: runId, message })
  }
  return problems
}

function openRun(run: RunFacts, workflow: string | null, isOwed: boolean): CheckProblem[] {
  if (isOwed || workflow === 'RUNNING') return []
  const at = run.id
  if (workflow === null) {
    const message = `The row is ${run.status}, nothing is owed, and Temporal knows no workflow ${run.workflowId}. Reconcile marks it lost; retry it then.`
    return [{ code: 'workflow_missing', at, message }]
  }
  const message = `The row is ${run.status}, its workflow ${run.workflowId} is ${workflow}. Reconcile closes the row within some minutes: is worker-io running?`
  return [{ code: 'run_not_closed', at, message }]
}

function endedRun(
  run: RunFacts,
  status: Exclude<RunStatus, 'accepted' | 'running'>,
  workflow: string | null,
  { now, retentionDays }: StackFacts,
): CheckProblem[] {
  const at = run.id
  if (ENDED_AS[status].includes(workflow)) return []
  // A tick for whose run there was no room.
  if (status === 'refused' && workflow === null && run.executionId === null) return []
  // A later attempt that never started leaves the workflow of the one before it.
  const isOfEarlier = run.attempt > 1 && ENDED_AS[status].includes(null)
  if (isOfEarlier && workflow !== null && workflow !== 'RUNNING') return []
  if (workflow === 'RUNNING') {
    const message = `The row is ${status}, but workflow ${run.workflowId} is still open. Terminate it in Temporal Web if it does not end by itself.`
    return [{ code: 'run_ended_workflow_open', at, message }]
  }
  if (workflow === null) {
    const age = now.getTime() - (run.endedAt?.getTime() ?? 0)
    if (run.history !== null || age > retentionDays * 86_400_000) return []
    const message = `The row is ${status}, but Temporal knows no workflow ${run.workflowId} and its history is not archived. Temporal has lost data: restore a backup.`
    return [{ code: 'workflow_missing', at, message }]
  }
  const message = `The row is ${status}, but workflow ${run.workflowId} ended as ${workflow}. Look at its history, then retry the run or start it anew.`
  return [{ code: 'run_ended_differently', at, message }]
}
