import type { EntityManager } from 'typeorm'
import type { PipelineRunRequest } from '../contracts/temporal/pipelines.js'
import type { RunLimits, SkippedTick, TickInput } from '../contracts/temporal/messages.js'
import type { RetrainingRequest } from '../contracts/temporal/retraining.js'
import type { StartableRun } from '../contracts/temporal/start-options.js'
import { canonicalJson, type Json } from '../domain/canonical-json.js'
import { selectorOf } from '../domain/data/selector.js'
import { MlforgeError } from '../domain/errors.js'
import type { RetryPolicy } from '../domain/runs/retry-policy.js'
import { isOpen, writeSequence } from '../domain/runs/run-status.js'
import { buildTrainingSpec, type DatasetFacts, type TrainingRequest } from '../domain/training/build-spec.js'
import { derivedId } from '../stores/ids.js'
import type { Schedule, ScheduledPipelineRow } from '../stores/postgres/entities/schedule.js'
import type { Run } from '../stores/postgres/entities/run.js'
import { turnIn } from '../stores/postgres/pool-turn.js'
import type { AcceptRun } from '../stores/postgres/run-acceptance.js'
import { pipelineWork } from './pipeline-work.js'
import type { Ports } from './ports.js'

type SchedulePorts = Pick<Ports, 'runs' | 'schedules' | 'datasets' | 'suites' | 'pipelines' | 'limits'> & {
  readonly retryPolicy: RetryPolicy
}

export type AcceptedTick =
  | {
      readonly run: StartableRun
      readonly limits: RunLimits
      /** What came of the run, where it has ended well already: the same tick was run before. */
      readonly ended?: { readonly result: unknown }
    }
  | { readonly skipped: SkippedTick }

type TickWork = Pick<AcceptRun, 'kind' | 'name' | 'request'> & Partial<Pick<AcceptRun, 'retryPolicy'>>

export function scheduleActivities(ports: SchedulePorts) {
  const { runs, schedules, datasets, limits, retryPolicy } = ports

  return {
    /**
     * Takes the run of a tick on. The run's id follows from the tick, so a tick that is tried again finds
     * its run; latest versions of datasets are resolved and pinned now. A pipeline that would work on what it
     * has worked on last is not run.
     */
    async acceptTick(tick: TickInput & { readonly tickId: string }): Promise<AcceptedTick> {
      const { project, schedule: name, tickId } = tick
      const schedule = await schedules.get(project, name)
      const { codes, maxAttempts, delaySeconds } = retryPolicy
      const id = derivedId(project, tickId)
      const record = (outcome: 'run' | 'no_new_data', runId: string) =>
        schedules.recordTick({ project, schedule: name, tick: tickId, outcome, runId })
      const work = await workOf(schedule)
      const same = (await runs.find(project, id)) ? null : await equalRun(schedule, work)
      if (same !== null) {
        await record('no_new_data', same)
        return { skipped: { outcome: 'skipped', reason: 'no_new_data', sameAs: same } }
      }
      const { run } = await runs.accept({
        retryPolicy: { codes, maxAttempts, delaySeconds },
        ...work,
        id,
        project,
        principal: `schedule:${name}`,
        trigger: 'schedule',
        startedByCaller: true,
      })
      await record('run', id)
      const { kind, attempt, generation, workflowId, principal, trigger, status, result, priority } = run
      const endedWell = status === 'succeeded' || status === 'refused'
      if (!endedWell && !isOpen(status)) {
        throw new MlforgeError(
          'wrong_state',
          `This tick has had its run: ${id} is ${status}. Start it again by POST /v1/operations/${id}/retry.`,
        )
      }
      return {
        run: {
          id,
          project,
          kind,
          name: run.name,
          attempt,
          generation,
          workflowId,
          principal,
          trigger,
          priority,
        },
        limits,
        ...(endedWell ? { ended: { result } } : {}),
      }
    },
  }

  async function workOf(schedule: Schedule): Promise<TickWork> {
    const { project, name, kind, deployment } = schedule
    switch (kind) {
      case 'training': {
        const request = schedule.training as TrainingRequest
        const { name: of, version: named = 'latest' } = request.dataset
        const version = await datasets.version(project, of, selectorOf(named))
        const spec = buildTrainingSpec(request, { ...version, name: of } as DatasetFacts)
        return { kind, name: spec.model, request: spec }
      }
      case 'retraining': {
        const request: RetrainingRequest = { reason: `schedule ${name}`, dataUntil: null }
        return { kind, name: deployment!, request }
      }
      case 'pipeline':
        return workOfPipeline(project, schedule.pipeline!)
      case 'driftCheck':
        throw new MlforgeError('internal', `Schedule "${name}" checks windows; its ticks are no run.`)
    }
  }

  /** The last successful run of a schedule's pipeline, where it has worked on the same; null where none has. */
  async function equalRun(
    { project, name, pipeline }: Schedule,
    { request }: TickWork,
  ): Promise<string | null> {
    const { pins } = request as PipelineRunRequest
    if (pipeline === null || pipeline.onNoNewData === 'run' || pins === undefined) return null
    const last = await runs.lastSucceeded(project, pipeline.pipeline, `schedule:${name}`)
    const isSame = last !== null && canonicalJson(last.request as Json) === canonicalJson(request as Json)
    return isSame ? last.id : null
  }

  /** Of the newest version, with the parameters of the schedule: what does not fit any more is refused. */
  async function workOfPipeline(
    project: string,
    { pipeline: name, parameters, priority }: ScheduledPipelineRow,
  ) {
    const { definition, work } = await pipelineWork(ports, project, { pipeline: name, parameters })
    return {
      ...work,
      priority: priority ?? work.priority,
      alongside: async (transaction: EntityManager, run: Run) => {
        try {
          await turnIn(transaction, run, definition, definition.concurrency?.whenFull === 'refuse')
        } catch (error) {
          if (!(error instanceof MlforgeError) || error.code !== 'pipeline_full') throw error
          // The tick is shown, with the reason for which nothing was done.
          const { code, message, details } = error
          const end = { outcome: 'refused', error: { code, message, details } }
          await runs.updateIn(transaction, run.id, writeSequence(1, 'closing'), {
            status: 'refused',
            stage: 'refused',
            error: end.error,
            result: end,
          })
        }
      },
    }
  }
}

export type ScheduleActivities = ReturnType<typeof scheduleActivities>
