import type { RunLimits } from '../contracts/temporal/messages.js'
import type { StartableRun } from '../contracts/temporal/start-options.js'
import type { RetryPolicy } from '../domain/runs/retry-policy.js'
import { buildTrainingSpec, type DatasetFacts, type TrainingRequest } from '../domain/training/build-spec.js'
import { derivedId } from '../stores/ids.js'
import type { Ports } from './ports.js'

type SchedulePorts = Pick<Ports, 'runs' | 'schedules' | 'datasets' | 'limits'> & {
  readonly retryPolicy: RetryPolicy
}

export function scheduleActivities({ runs, schedules, datasets, limits, retryPolicy }: SchedulePorts) {
  return {
    /**
     * Takes the training of a tick on. The run's id follows from the tick, so a tick that is tried
     * again finds its run; the dataset is resolved and pinned now.
     */
    async acceptTick(tick: {
      project: string
      schedule: string
      tickId: string
    }): Promise<{ run: StartableRun; limits: RunLimits }> {
      const { project, schedule: name, tickId } = tick
      const schedule = await schedules.get(project, name)
      const request = schedule.training as TrainingRequest
      const { dataset } = request
      const version = await datasets.version(project, dataset.name, dataset.version ?? 'latest')
      const spec = buildTrainingSpec(request, { ...version, name: dataset.name } as DatasetFacts)
      const { codes, maxAttempts, delaySeconds } = retryPolicy
      const { run } = await runs.accept({
        id: derivedId(project, tickId),
        project,
        kind: 'training',
        name: spec.model,
        request: spec,
        principal: `schedule:${name}`,
        trigger: 'schedule',
        retryPolicy: { codes, maxAttempts, delaySeconds },
        startedByCaller: true,
      })
      const { id, kind, attempt, generation, workflowId, principal, trigger } = run
      return {
        run: { id, project, kind, name: run.name, attempt, generation, workflowId, principal, trigger },
        limits,
      }
    },
  }
}

export type ScheduleActivities = ReturnType<typeof scheduleActivities>
