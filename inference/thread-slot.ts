import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { MlforgeError } from '../domain/errors.js'
import type { Job } from './job-queue.js'
import type { BatchReply, BatchRequest, SessionSpec, ThreadReady } from './session-messages.js'

/** One thread and the batch that it works on. */
export class ThreadSlot {
  private batch: readonly Job[] = []
  private retired = false

  private constructor(
    private readonly worker: Worker,
    readonly failed: ThreadReady['failed'],
    private readonly idle: () => void,
    private readonly lost: (slot: ThreadSlot) => void,
  ) {
    worker.on('message', (reply: BatchReply) => this.settle(reply))
    worker.on('error', () => undefined) // 'exit' follows
    worker.once('exit', () => this.exited())
  }

  /**
   * Starts a thread and waits until its sessions are warm.
   * @param idle called whenever it could take another batch
   * @param lost called when the thread ends though nobody asked it to
   */
  static async start(
    specs: readonly SessionSpec[],
    idle: () => void,
    lost: (slot: ThreadSlot) => void,
  ): Promise<ThreadSlot> {
    const worker = new Worker(new URL('./session-thread.js', import.meta.url), { workerData: specs })
    const [ready] = (await once(worker, 'message')) as [ThreadReady]
    return new ThreadSlot(worker, ready.failed, idle, lost)
  }

  get busy(): boolean {
    return this.batch.length > 0
  }

  /** Scores jobs of one session in one run. */
  run(jobs: readonly Job[]): void {
    this.batch = jobs
    const [{ key, values: only }] = jobs as [Job]
    const rows = jobs.reduce((sum, job) => sum + job.rows, 0)
    const values = jobs.length === 1 ? only : joined(jobs)
    this.worker.postMessage({ key, values, rows } satisfies BatchRequest, [values.buffer])
  }

  /** Jobs in work whose time is over; whatever the thread still says about them comes too late. */
  expired(now: number): Job[] {
    return this.batch.filter(job => job.expiresAt <= now)
  }

  /** Ends the thread once its batch is done. */
  retire(): void {
    this.retired = true
    if (!this.busy) void this.worker.terminate()
  }

  private settle(reply: BatchReply): void {
    const jobs = this.batch
    this.batch = []
    if (this.retired) void this.worker.terminate()
    else this.idle()
    if ('error' in reply) {
      for (const job of jobs) {
        job.reject(new MlforgeError('internal', `The model could not score the rows: ${reply.error}.`))
      }
      return
    }
    let at = 0
    for (const job of jobs) job.resolve(reply.outputs.subarray(at, (at += job.rows)))
  }

  private exited(): void {
    for (const job of this.batch) {
      job.reject(new MlforgeError('unavailable', 'The thread that scored the rows has ended. Try again.'))
    }
    this.batch = []
    if (!this.retired) this.lost(this)
  }
}

function joined(jobs: readonly Job[]): Float32Array<ArrayBuffer> {
  const values = new Float32Array(jobs.reduce((sum, job) => sum + job.values.length, 0))
  let at = 0
  for (const job of jobs) {
    values.set(job.values, at)
    at += job.values.length
  }
  return values
}
