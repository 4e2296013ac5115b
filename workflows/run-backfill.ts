import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { BackfillActivities } from '../activities/assets/backfills.js'
import {
  type AdvanceInput,
  type AdvanceReport,
  type BackfillInput,
  type BackfillLive,
  type BackfillResult,
  backfillVerb,
} from '../contracts/temporal/backfills.js'
import type { RunInput } from '../contracts/temporal/messages.js'
import type { Asked } from '../contracts/temporal/pipelines.js'
import { describeItems, isDone } from '../domain/assets/items.js'
import { dataWork, watch } from './activity-presets.js'
import { asRun, type RunHandle } from './run-shell.js'
import { untilChanged } from './waiting.js'

/**
 * Makes partitions of assets, so many at the same time, in the order in which they need each other. The plan and
 * the states of its items are rows: this asks for them to be brought forward, and waits for runs to end.
 */
export async function runBackfill({ paused, ...input }: BackfillInput): Promise<BackfillResult> {
  const shell = new BackfillShell(input, paused ?? null)
  // Its stage follows with the first report; who has paused it is known before.
  const live: BackfillLive = { stage: 'items', paused: paused ?? null }
  return asRun<BackfillLive, BackfillResult>(input, live, run => shell.run(run))
}

class BackfillShell {
  /** Grows with everything that the loop has to look at. */
  private changes = 0
  private stage: BackfillLive['stage'] = 'items'

  constructor(
    private readonly input: RunInput,
    private paused: Asked | null,
  ) {
    setHandler(
      backfillVerb,
      ({ verb, by, reason }) => {
        // Who has paused it first has: pausing it twice is once.
        this.paused = verb === 'pause' ? (this.paused ?? { by, reason }) : null
        this.changes++
        return { paused: this.paused !== null }
      },
      {
        validator: ({ runId }) => {
          if (runId === input.runId) return
          throw ApplicationFailure.nonRetryable(`This is run ${input.runId}, not ${runId}.`, 'wrong_state')
        },
      },
    )
  }

  async run(run: RunHandle<BackfillLive>): Promise<BackfillResult> {
    try {
      return this.end(await this.toEnd(run, () => (this.paused ? 'hold' : 'go')))
    } catch (error) {
      if (isCancellation(error)) await CancellationScope.nonCancellable(() => this.stop(run))
      throw error
    }
  }

  /** Items that are being made stop, and what has been made until then is kept. */
  private async stop(run: RunHandle<BackfillLive>): Promise<void> {
    const { cancelItems } = proxyActivities<BackfillActivities>(dataWork(this.input.limits))
    // Nothing begins any more before those that work are asked to stop.
    await this.advance('stop')
    await cancelItems(this.input)
    await this.toEnd(run, () => 'stop')
  }

  private async toEnd(
    run: RunHandle<BackfillLive>,
    mode: () => AdvanceInput['mode'],
  ): Promise<AdvanceReport> {
    const { input } = this
    const { awaitBackfill } = proxyActivities<BackfillActivities>(watch(input.limits))
    for (;;) {
      if (mode() !== 'stop' && workflowInfo().continueAsNewSuggested) await this.cut()
      const seen = this.changes
      const report = await this.advance(mode())
      const { counts, more } = report
      this.show(run, report)
      run.keep({ counts })
      if (isDone(counts)) return report
      if (more) continue
      const isWoken = () => this.changes !== seen
      if (counts.running === 0) await condition(isWoken)
      else await untilChanged(input.limits, () => awaitBackfill(input), { isWoken })
    }
  }

  private async advance(mode: AdvanceInput['mode']): Promise<AdvanceReport> {
    const { advanceBackfill } = proxyActivities<BackfillActivities>(dataWork(this.input.limits))
    return advanceBackfill({ ...this.input, mode })
  }

  private end({ counts, failure }: AdvanceReport): BackfillResult {
    if (failure === null) return { outcome: 'succeeded', counts }
    const { code, message, details } = failure
    throw ApplicationFailure.create({
      // Whatever it is of an item, the backfill has failed: it may be retried.
      type: 'backfill_failed',
      message: `Not everything was made: ${describeItems(counts)}. The first: ${message}`,
      nonRetryable: true,
      details: [{ ...details, code }],
    })
  }

  private async cut(): Promise<void> {
    await condition(allHandlersFinished)
    await continueAsNew<typeof runBackfill>({ ...this.input, paused: this.paused })
  }

  private show(run: RunHandle<BackfillLive>, { counts }: AdvanceReport): void {
    const stage = this.paused ? 'paused' : 'items'
    // Each change of the stage is an event of the history; the states of items are rows.
    if (stage !== this.stage) run.stage(stage)
    this.stage = stage
    run.tell({ paused: this.paused, counts })
    run.show('partitions', describeItems(counts))
  }
}
