import {
  ApplicationFailure,
  CancellationScope,
  ContinueAsNew,
  proxyActivities,
  workflowInfo,
} from '@temporalio/workflow'
import type { InterpretActivities } from '../activities/pipelines/interpret.js'
import type { RunActivities } from '../activities/runs.js'
import type { PlannedStep, StepInput, StepReport } from '../contracts/temporal/pipelines.js'
import { ROWS, stepSeconds, stepWork, watch } from './activity-presets.js'
import type { Gates } from './gates.js'
import type { Queue } from './queue.js'
import { untilChanged } from './waiting.js'

const { endedRuns } = proxyActivities<RunActivities>(ROWS)
const { cancelRuns } = proxyActivities<InterpretActivities>(ROWS)

/** How a step is left to the execution that follows when the history is cut. */
export interface Leave {
  /** True once the history is to be cut. */
  readonly isDue: () => boolean
  /** The step waits for others alone; ends with the execution, or when the step is cancelled before. */
  readonly untilCut: () => Promise<never>
}

type StepActivity = (input: StepInput) => Promise<StepReport>

/**
 * Does a step to its end. One that is a run of its own is waited for, within the step's time; when the step
 * is cancelled or out of time, so is that run. One that waits does so at the gates, or in the queue of its pool.
 * @param leave what is waited for is taken up by the next execution
 * @throws what has ended it otherwise
 */
export async function toEndOfStep(
  input: StepInput,
  planned: Pick<PlannedStep, 'uses' | 'timeoutSeconds'>,
  gates: Gates,
  leave: Leave,
  queue: Queue,
): Promise<Extract<StepReport, { state: 'succeeded' }>> {
  const activities = proxyActivities<Record<string, StepActivity>>(stepWork(planned, input.limits))
  const advance = activities[`${planned.uses}Step`]!
  let deadline = Date.now() + stepSeconds(planned) * 1000
  let more: Pick<StepInput, 'answer' | 'reminder'> = {}
  for (;;) {
    const report = await advance.executeWithOptions({ summary: input.step }, [{ ...input, ...more }])
    if (report.state === 'succeeded') return report
    if (report.state === 'queued') {
      const isCut = () => leave.isDue() || workflowInfo().continueAsNewSuggested
      if (!(await queue.wait(input, report.pool, isCut))) return leave.untilCut()
      // Its time begins when it does.
      deadline = Date.now() + stepSeconds(planned) * 1000
      continue
    }
    if (report.state === 'open') {
      const { gate } = report
      const remindAt = gate.remindEveryMs === null ? null : Date.now() + gate.remindEveryMs
      const answer = await gates.wait(input.step, gate, remindAt, leave.isDue)
      if (answer === null) return leave.untilCut()
      more = answer === 'remind' ? { reminder: (more.reminder ?? 0) + 1 } : { answer }
      continue
    }
    const runId = report.state === 'running' ? report.child : report.waitFor
    try {
      if (!(await hasEnded(input, runId, { isLeft: leave.isDue, deadline }))) await leave.untilCut()
    } catch (error) {
      if (error instanceof ContinueAsNew) throw error
      if (report.state === 'running') await CancellationScope.nonCancellable(() => stop(input, runId))
      throw error
    }
  }
}

/** False where it was left before. */
async function hasEnded(
  input: StepInput,
  runId: string,
  { isLeft, deadline }: { readonly isLeft: () => boolean; readonly deadline: number },
): Promise<boolean> {
  for (;;) {
    if (await isOver(input, runId)) return true
    if (isLeft() || workflowInfo().continueAsNewSuggested) return false
    const leftMs = deadline - Date.now()
    if (leftMs <= 0) {
      throw ApplicationFailure.nonRetryable(
        `Step "${input.step}" was not done in its time: run ${runId} is still under way.`,
        'timed_out',
      )
    }
    await change(input, runId, isLeft, leftMs)
  }
}

/** Cancels the run and waits until it has cleaned up. */
async function stop(input: StepInput, runId: string): Promise<void> {
  await cancelRuns({ project: input.project, runIds: [runId] })
  while (!(await isOver(input, runId))) await change(input, runId, () => false, null)
}

async function isOver({ project }: StepInput, runId: string): Promise<boolean> {
  return (await endedRuns({ project, runIds: [runId] })).length === 1
}

async function change(
  { project, limits, step }: StepInput,
  runId: string,
  isWoken: () => boolean,
  leftMs: number | null,
): Promise<void> {
  const { awaitEnded } = proxyActivities<RunActivities>(watch(limits))
  const wait = () =>
    awaitEnded.executeWithOptions({ summary: `${step}: end of run ${runId}` }, [
      { project, runIds: [runId], limits },
    ])
  await untilChanged(limits, wait, { isWoken, leftMs })
}
