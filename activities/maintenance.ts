import { gzipSync } from 'node:zlib'
import { writeSequence } from '../domain/runs/run-status.js'
import type { MapRequest } from '../contracts/temporal/pipelines.js'
import type { Run } from '../stores/postgres/entities/run.js'
import { cancelRuns } from './cancel-runs.js'
import type { Ports } from './ports.js'

export interface ReconcileInput {
  readonly project: string
  /** Seconds for which nobody has written to a row that is looked at; those of the configuration where left out. */
  readonly untouched?: number
}

export interface ReconcileResult {
  readonly looked: number
  /** Ids of runs whose rows were closed with what Temporal says. */
  readonly closed: readonly string[]
  readonly lost: readonly string[]
}

export interface RetryResult {
  readonly retried: readonly string[]
}

const BATCH = 200

type MaintenancePorts = Pick<
  Ports,
  'runs' | 'retries' | 'objects' | 'workflows' | 'rollouts' | 'pipelineRuns' | 'pools' | 'backfills' | 'wakes'
> & {
  /** An open run is looked at when nothing has been heard of it for this long. */
  readonly untouchedSeconds: number
  /** Automatic starts of runs of one kind and name in 24 hours. */
  readonly retriesPerDay: number
}

/** Work that looks after runs whose own workflow cannot do it any more. */
export function maintenanceActivities(ports: MaintenancePorts) {
  const { runs, retries, objects, workflows, untouchedSeconds, retriesPerDay } = ports

  /** What a run that cannot do it any more leaves to be done. First: a row that is closed leaves nothing. */
  const cleanUp = async (run: Run): Promise<void> => {
    if (run.kind === 'rollout') await ports.rollouts.takeBack(run)
    if (run.kind === 'pipeline') wake(await ports.pipelineRuns.endRunning(run.id))
    if (run.kind === 'backfill') {
      const children = await ports.backfills.close(run)
      await cancelRuns(ports, run.project, children)
    }
    if (run.kind === 'map') {
      const { runId, step } = run.request as MapRequest
      wake(await ports.pipelineRuns.endRunning(runId, `${step}/`))
    }
  }
  const wake = (granted: readonly string[]) => granted.forEach(id => ports.wakes.publish(id))

  const close = async (run: Run): Promise<'closed' | 'lost' | 'open'> => {
    // A start that is still owed has no workflow yet, and what Temporal knows is of an earlier attempt;
    // the relay's deadline looks after it. Asked first: a start made meanwhile is then seen below.
    if (await runs.isStartOwed(run.id)) return 'open'
    const state = await workflows.describe(run.workflowId)
    const sequence = writeSequence(run.attempt, 'closing')
    if (state === null) {
      await cleanUp(run)
      const message = `Temporal knows no workflow ${run.workflowId}. Retry the run to start it again.`
      await runs.update(run.id, sequence, { status: 'lost', stage: 'lost', error: { code: 'lost', message } })
      return 'lost'
    }
    if (state.open) {
      await runs.touch(run.id)
      return 'open'
    }
    const { status, error, executionId, result } = state
    await cleanUp(run)
    await runs.update(run.id, sequence, {
      status,
      stage: status,
      executionId,
      ...(result === undefined ? {} : { result }),
      ...(error ? { error } : {}),
    })
    return 'closed'
  }

  return {
    async reconcileRuns({ project, untouched }: ReconcileInput): Promise<ReconcileResult> {
      const open = await runs.untouched(project, untouched ?? untouchedSeconds, BATCH)
      const closed: string[] = []
      const lost: string[] = []
      for (const run of open) {
        const outcome = await close(run)
        if (outcome === 'closed') closed.push(run.id)
        if (outcome === 'lost') lost.push(run.id)
      }
      wake(await ports.pools.sweep(project))
      return { looked: open.length, closed, lost }
    },

    /** Histories outlive Temporal's retention: gzipped JSON in the object store. */
    async archiveHistories({ project }: { project: string }): Promise<{ archived: number }> {
      let archived = 0
      for (const run of await runs.unarchived(project, BATCH)) {
        const state = await workflows.describe(run.workflowId)
        if (state?.open) continue
        const history = state && (await workflows.history(run.workflowId, state.executionId))
        if (!history) {
          // Gone for good; the others must not wait behind it.
          await runs.touch(run.id)
          continue
        }
        const { uri } = await objects.write(project, gzipSync(history))
        await runs.archived(run.id, run.attempt, uri)
        archived++
      }
      return { archived }
    },

    async retryDueRuns({ project }: { project: string }): Promise<RetryResult> {
      const retried: string[] = []
      for (const run of await retries.due(project, BATCH)) {
        // The row says that it has ended; Temporal has the last word on that.
        const state = await workflows.describe(run.workflowId)
        if (state?.open) continue
        const until = await retries.whenInBudget(run, retriesPerDay)
        if (until) {
          const note = `${retriesPerDay} starts of ${run.kind} ${run.name} in 24 hours are the budget, and are used up`
          await retries.postpone(run, until, note)
          continue
        }
        const reopened = await runs.retry(project, run.id, { attempt: run.attempt })
        if (reopened.attempt > run.attempt) retried.push(run.id)
      }
      return { retried }
    },
  }
}

export type MaintenanceActivities = ReturnType<typeof maintenanceActivities>
