import { MlforgeError } from '../domain/errors.js'
import { JobQueue } from './job-queue.js'
import type { SessionSpec } from './session-messages.js'
import { ThreadSlot } from './thread-slot.js'

export interface PoolOptions {
  readonly threads: number
  /** Rows that may wait; beyond it callers are refused. */
  readonly queueRows: number
  readonly deadlineSeconds: number
}

/** `background` rows are scored when no others wait. */
export type Lane = 'answers' | 'background'

const SWEEP_MS = 250
const RESTART_MS = 500

/**
 * ONNX sessions in threads, because a run blocks the event loop of its thread. While a thread is busy,
 * rows collect, and its next run takes all of one session at once; an idle thread gets what this turn of
 * the event loop has brought, without waiting for more.
 *
 * A thread keeps the sessions that it began with: another set is loaded and warmed in new threads, which
 * then take the place of the old ones. So loading never delays an answer, and costs memory twice meanwhile.
 */
export class SessionPool {
  private slots: ThreadSlot[] = []
  private specs: readonly SessionSpec[] = []
  private readonly queues = { answers: new JobQueue(), background: new JobQueue() }
  private scheduled = false
  private closed = false
  private changes: Promise<unknown> = Promise.resolve()
  private readonly sweeper: NodeJS.Timeout

  constructor(private readonly options: PoolOptions) {
    this.sweeper = setInterval(() => this.sweep(), SWEEP_MS).unref()
  }

  /** Rows that wait in a lane. */
  waiting(lane: Lane): number {
    return this.queues[lane].rows
  }

  /** Whether so many more rows may wait. A request that is larger than the whole queue may wait alone. */
  hasRoom(rows: number, lane: Lane = 'answers'): boolean {
    const { rows: waiting } = this.queues[lane]
    return waiting === 0 || waiting + rows <= this.options.queueRows
  }

  /**
   * Makes these the sessions of the pool. Those that cannot be loaded or run are left out.
   * @returns what is wrong with them, by key
   */
  async use(specs: readonly SessionSpec[]): Promise<Map<string, string>> {
    const change = this.changes.then(() => this.replace(specs))
    this.changes = change.catch(() => undefined)
    return change
  }

  /**
   * One number for each row. The values are handed over to a thread: the caller's array is empty afterwards.
   * @throws MlforgeError timed_out, unavailable, internal
   */
  async run(
    key: string,
    values: Float32Array<ArrayBuffer>,
    rows: number,
    lane: Lane = 'answers',
  ): Promise<Float32Array> {
    const expiresAt = performance.now() + this.options.deadlineSeconds * 1000
    return new Promise((resolve, reject) => {
      this.queues[lane].push({ key, values, rows, expiresAt, resolve, reject })
      this.schedule()
    })
  }

  async close(): Promise<void> {
    this.closed = true
    clearInterval(this.sweeper)
    await this.changes
    for (const slot of this.slots) slot.retire()
    this.slots = []
  }

  private async replace(specs: readonly SessionSpec[]): Promise<Map<string, string>> {
    const starts = Array.from({ length: this.options.threads }, () => this.startSlot(specs))
    const started = await Promise.allSettled(starts)
    const fresh = started.flatMap(start => (start.status === 'fulfilled' ? [start.value] : []))
    const refused = started.find(start => start.status === 'rejected')
    if (refused) {
      for (const slot of fresh) slot.retire()
      throw refused.reason
    }
    const failed = new Map(fresh.flatMap(slot => slot.failed))
    const old = this.slots
    this.slots = fresh
    this.specs = specs.filter(({ key }) => !failed.has(key))
    for (const slot of old) slot.retire()
    this.schedule()
    return failed
  }

  private startSlot(specs: readonly SessionSpec[]): Promise<ThreadSlot> {
    return ThreadSlot.start(
      specs,
      () => this.schedule(),
      slot => this.lost(slot),
    )
  }

  /** A thread that died, as one does for want of memory, is started again with what it held. */
  private lost(slot: ThreadSlot): void {
    this.slots = this.slots.filter(other => other !== slot)
    if (this.closed) return
    const again = async (): Promise<void> => {
      if (this.closed || this.slots.length >= this.options.threads) return
      this.slots.push(await this.startSlot(this.specs))
      this.schedule()
    }
    setTimeout(() => {
      this.changes = this.changes.then(again).catch(() => undefined)
    }, RESTART_MS).unref()
  }

  /** At the end of this turn of the event loop, so that all requests that it has read form one batch. */
  private schedule(): void {
    if (this.scheduled) return
    this.scheduled = true
    setImmediate(() => {
      this.scheduled = false
      this.dispatch()
    })
  }

  private dispatch(): void {
    for (const slot of this.slots) {
      if (slot.busy) continue
      const answers = this.queues.answers.take()
      const batch = answers.length > 0 ? answers : this.queues.background.take()
      if (batch.length === 0) return
      slot.run(batch)
    }
  }

  private sweep(): void {
    const now = performance.now()
    const late = [
      ...this.queues.answers.expired(now),
      ...this.queues.background.expired(now),
      ...this.slots.flatMap(slot => slot.expired(now)),
    ]
    for (const job of late) {
      job.reject(
        new MlforgeError(
          'timed_out',
          `The rows were not scored within ${this.options.deadlineSeconds} s. Nothing was logged; try again later.`,
        ),
      )
    }
  }
}
