import { condition, proxyActivities } from '@temporalio/workflow'
import type { QueueActivities } from '../activities/pipelines/queue.js'
import type { RunInput } from '../contracts/temporal/messages.js'
import { ROWS, watch } from './activity-presets.js'
import { untilChanged } from './waiting.js'

const { leaveQueue } = proxyActivities<QueueActivities>(ROWS)

/** Steps of a run, or the run itself, that wait for slots. */
export class Queue {
  private readonly waiting = new Map<string, string>()

  /**
   * @param changed called when a step begins or ends to wait
   * @param isPaused true while nothing is to begin: what waits then gives way to others, and keeps its place
   */
  constructor(
    private readonly input: RunInput,
    private readonly changed: () => void = () => undefined,
    private readonly isPaused: () => boolean = () => false,
  ) {}

  /** Pools that steps wait for, by the names of the steps. */
  list(): ReadonlyMap<string, string> {
    return this.waiting
  }

  /**
   * Waits until it is worth to ask for the slots again.
   * @param key of what waits: a step, or the run's turn where none is named
   * @param isLeft true once the history is to be cut
   * @returns false where it was left: the next execution takes it up
   */
  async wait(
    { runId, step = '', generation = 0 }: { runId: string; step?: string; generation?: number },
    pool: string,
    isLeft: () => boolean,
  ): Promise<boolean> {
    this.waiting.set(step, pool)
    this.changed()
    try {
      if (isLeft()) return false
      const key = { runId, step, generation }
      const { limits } = this.input
      const { awaitSlots } = proxyActivities<QueueActivities>(watch(limits))
      const what = step === '' ? 'turn' : `${step}: slots of ${pool}`
      const change = () => awaitSlots.executeWithOptions({ summary: what }, [{ ...key, limits }])
      await untilChanged(limits, change, { isWoken: () => isLeft() || this.isPaused() })
      if (this.isPaused()) {
        await leaveQueue.executeWithOptions({ summary: `${what}, while paused` }, [key])
        await condition(() => isLeft() || !this.isPaused())
      }
      return !isLeft()
    } finally {
      this.waiting.delete(step)
      this.changed()
    }
  }
}
