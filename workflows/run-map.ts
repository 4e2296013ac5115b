import {
  ApplicationFailure,
  CancellationScope,
  condition,
  ContinueAsNew,
  continueAsNew,
  proxyActivities,
  workflowInfo,
} from '@temporalio/workflow'
import type { InterpretActivities } from '../activities/pipelines/interpret.js'
import type { MapActivities } from '../activities/pipelines/map.js'
import type { RunFailure, RunInput } from '../contracts/temporal/messages.js'
import type {
  MapInput,
  MapLive,
  MapPlan,
  MapResult,
  StepInput,
  StepReport,
} from '../contracts/temporal/pipelines.js'
import { dataWork, ROWS, stepWork } from './activity-presets.js'
import { describeFailure } from './failures.js'
import { Queue } from './queue.js'
import { asRun, type RunHandle } from './run-shell.js'

const { planMap } = proxyActivities<MapActivities>(ROWS)
const { recordSteps } = proxyActivities<InterpretActivities>(ROWS)

type StepActivity = (input: StepInput) => Promise<StepReport>

/** Items between two looks of people at how far it has come. */
const SHOWN_EVERY = 50

/**
 * Does a step with each item of a list, so many at the same time. A window slides over them; before the
 * history is cut, what is under way comes to its end. Each item has its own place in the ledger, so nothing
 * that is finished is done again.
 */
export async function runMap({ carried, ...input }: MapInput): Promise<MapResult> {
  return asRun<MapLive, MapResult>(input, { stage: 'plan' }, async run => {
    const plan = await planMap(input)
    return new MapShell(input, run, plan, carried).run()
  })
}

class MapShell {
  private next: number
  private failed: number
  private failure: RunFailure | null
  private done = 0
  private readonly working = new Set<Promise<void>>()
  private changes = 0
  private cutting = false
  private readonly queue: Queue
  /** Items that wait for slots when the history is cut: the next execution begins with them. */
  private readonly left: number[] = []
  private readonly again: number[]

  constructor(
    private readonly input: RunInput,
    private readonly handle: RunHandle<MapLive>,
    private readonly plan: MapPlan,
    carried: MapInput['carried'],
  ) {
    this.queue = new Queue(input)
    this.again = [...(carried?.left ?? [])]
    // What has failed in this attempt is not tried again by it.
    this.next = carried?.next ?? plan.from
    this.failed = carried?.failed ?? 0
    this.failure = carried?.failure ?? null
  }

  async run(): Promise<MapResult> {
    const { input, plan } = this
    const { count, maxFailures } = plan.request
    this.handle.stage('items')
    try {
      await this.work()
    } catch (error) {
      if (!(error instanceof ContinueAsNew)) {
        await CancellationScope.nonCancellable(() => Promise.all(this.working))
      }
      throw error
    }
    const { failed, failure } = this
    if (failed > maxFailures) {
      const { code, message, details } = failure!
      throw ApplicationFailure.create({
        type: code,
        message: `${failed} of ${count} items have not ended well, more than ${maxFailures}. The first: ${message}`,
        nonRetryable: true,
        details: [details],
      })
    }
    const { collectMap } = proxyActivities<MapActivities>(dataWork(input.limits))
    return { outcome: 'succeeded', count, failed, ...(await collectMap(input)) }
  }

  private async work(): Promise<void> {
    const { count, parallel, maxFailures } = this.plan.request
    for (;;) {
      if (this.isCut()) this.cutting = true
      const hasMore = () => this.again.length > 0 || this.next < count
      const goesOn = hasMore() && this.failed <= maxFailures
      while (goesOn && !this.cutting && hasMore() && this.working.size < parallel)
        this.begin(this.again.shift() ?? this.next++)
      this.show()
      if (this.working.size === 0) {
        if (!goesOn && this.left.length === 0) return
        await this.cut()
      }
      const seen = this.changes
      await condition(() => this.changes !== seen)
    }
  }

  private isCut(): boolean {
    return this.cutting || workflowInfo().continueAsNewSuggested
  }

  private begin(index: number): void {
    const work: Promise<void> = this.item(index).then(() => {
      this.working.delete(work)
      this.done++
      this.changes++
    })
    this.working.add(work)
  }

  /** Never throws: an item that does not end well is counted. */
  private async item(index: number): Promise<void> {
    const { input, plan } = this
    const { item, request } = plan
    const { runId, step: map, generation, pages } = request
    const step = `${map}/${index}`
    const activities = proxyActivities<Record<string, StepActivity>>(stepWork(item, input.limits))
    const given: StepInput = { ...input, runId, generation, step, item: { index, pages: pages.uri } }
    try {
      const advance = activities[`${item.uses}Step`]!
      const work = () => advance.executeWithOptions({ summary: `item ${index}` }, [given])
      for (let report = await work(); report.state === 'queued'; report = await work()) {
        if (await this.queue.wait(given, report.pool, () => this.isCut())) continue
        this.left.push(index)
        return
      }
    } catch (error) {
      const { status, error: failure } = describeFailure(error)
      const state = status === 'cancelled' || status === 'refused' ? status : 'failed'
      this.failed++
      this.failure ??= { ...failure, message: `item ${index}: ${failure.message}` }
      await CancellationScope.nonCancellable(() =>
        recordSteps.executeWithOptions({ summary: `item ${index} is ${state}` }, [
          { runId, attempt: input.attempt, ends: [{ step, generation, state, error: failure }] },
        ]),
      )
    }
  }

  private async cut(): Promise<void> {
    const { input, next, failed, failure } = this
    const left = [...this.left, ...this.again]
    await continueAsNew<typeof runMap>({
      ...input,
      carried: { next, failed, failure, ...(left.length === 0 ? {} : { left }) },
    })
  }

  private show(): void {
    const { next, failed, working, left, again, plan } = this
    const ended = next - working.size - left.length - again.length
    this.handle.tell({ done: ended, failed })
    if (this.done % SHOWN_EVERY === 0 || working.size === 0) {
      this.handle.show('items', `${ended} of ${plan.request.count} ended, ${failed} of them not well`)
    }
  }
}
