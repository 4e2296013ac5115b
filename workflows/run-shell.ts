import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  ContinueAsNew,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import type { RunActivities } from '../activities/runs.js'
import { liveQuery, type RunEnd, type RunInput, type RunLive } from '../contracts/temporal/messages.js'
import { searchAttributes } from '../contracts/temporal/search-attributes.js'
import { type RunStatus, writeSequence } from '../domain/runs/run-status.js'
import { ROWS } from './activity-presets.js'
import { describeFailure } from './failures.js'

const { recordRun } = proxyActivities<RunActivities>(ROWS)

/** What the body of a run says of itself while it works. */
export interface RunHandle<L extends RunLive> {
  /**
   * Enters a stage: seen in the search attributes, by the query and in Temporal Web. In the row it is
   * written by the step of that name when it begins.
   */
  stage(stage: L['stage'], live?: Partial<L>): void
  /** What the query answers beside the stage. */
  tell(live: Partial<L>): void
  /** Adds a line to the table that Temporal Web shows. */
  show(what: string, value: string): void
  /** Warnings to keep with the run. */
  warn(warnings: readonly string[]): void
  /** What the row has as the result of a run that ends by an error or a cancellation. */
  keep(result: object): void
}

/**
 * The life of a run around its work: the row says running, then where it is, then how it ended,
 * whatever happens. A write that comes late changes nothing, by its sequence.
 */
export async function asRun<L extends RunLive, R extends RunEnd>(
  input: RunInput,
  initial: L,
  body: (run: RunHandle<L>) => Promise<R>,
): Promise<R> {
  let live: L = initial
  const table = new Map([['run', input.runId]])
  const warnings: string[] = []
  let kept: { result?: object } = {}
  setHandler(liveQuery, () => live)

  const render = () =>
    setCurrentDetails(
      ['| | |', '|---|---|', ...[...table].map(([what, value]) => `| ${what} | ${value} |`)].join('\n'),
    )
  const record = (sequence: number, change: Parameters<typeof recordRun>[0]['change']) =>
    recordRun.executeWithOptions({ summary: `run is ${change.stage}` }, [
      { runId: input.runId, sequence, change },
    ])
  const close = async (status: RunStatus, change: Parameters<typeof recordRun>[0]['change']) => {
    table.set('outcome', change.error ? `${status}: ${change.error.message}` : status)
    render()
    upsertSearchAttributes([{ key: searchAttributes.stage, value: status }])
    await CancellationScope.nonCancellable(() =>
      record(writeSequence(input.attempt, 'closing'), { ...change, status, stage: status, warnings }),
    )
  }
  const enter = (stage: L['stage'], more?: Partial<L>) => {
    live = { ...live, ...more, stage }
    table.set('stage', stage)
    render()
    upsertSearchAttributes([{ key: searchAttributes.stage, value: stage }])
  }
  const handle: RunHandle<L> = {
    stage: enter,
    tell(more) {
      live = { ...live, ...more }
    },
    show(what, value) {
      table.set(what, value)
      render()
    },
    warn(more) {
      warnings.push(...more)
    },
    keep(result) {
      kept = { result }
    },
  }

  const { runId: executionId, continuedFromExecutionRunId } = workflowInfo()
  enter(initial.stage)
  const first = { status: 'running', stage: initial.stage, executionId } as const
  // A run that is cancelled at once must still begin, so that it can end in its row.
  const begun =
    continuedFromExecutionRunId !== undefined ||
    (await CancellationScope.nonCancellable(() => record(writeSequence(input.attempt, 1), first)))
  if (!begun) {
    throw ApplicationFailure.nonRetryable(
      `Run ${input.runId} has gone on without attempt ${input.attempt}; this start does nothing.`,
      'wrong_state',
    )
  }
  try {
    const result = await body(handle)
    await close(result.outcome, { result, ...(result.error ? { error: result.error } : {}) })
    return result
  } catch (error) {
    if (error instanceof ContinueAsNew) throw error
    const end = describeFailure(error)
    if (end.status === 'refused') {
      const result = { ...kept.result, outcome: 'refused', error: end.error } as R
      await close('refused', { result, error: end.error })
      return result
    }
    await close(end.status, { ...kept, error: end.error })
    throw end.status === 'cancelled' && !isCancellation(error)
      ? new CancelledFailure(end.error.message)
      : error
  }
}
