import { Worker } from 'node:worker_threads'
import { MlforgeError } from '../domain/errors.js'
import type { JobName, JobReply, Jobs } from './messages.js'

interface Job {
  readonly name: JobName
  readonly request: Jobs[JobName]['request']
  readonly resolve: (reply: never) => void
  readonly reject: (error: unknown) => void
}

/** Threads that work on jobs, each on one. They start when there is work, and do not keep the process alive. */
export class Threads {
  private readonly waiting: Job[] = []
  private readonly idle: Worker[] = []
  private readonly busy = new Map<Worker, Job>()
  private closed = false

  constructor(readonly count: number) {}

  /**
   * Has one thread do a job.
   * @param first before those that wait
   * @throws the error of the job; the reason of an abort, after which a job in work runs on unheard
   */
  run<Name extends JobName>(
    name: Name,
    request: Jobs[Name]['request'],
    signal?: AbortSignal,
    first = false,
  ): Promise<Jobs[Name]['reply']> {
    return new Promise<Jobs[Name]['reply']>((resolve, reject) => {
      if (this.closed) throw closed()
      signal?.throwIfAborted()
      const aborted = (): void => {
        const place = this.waiting.indexOf(job)
        if (place >= 0) this.waiting.splice(place, 1)
        reject(signal?.reason)
      }
      const job: Job = {
        name,
        request,
        resolve: reply => {
          signal?.removeEventListener('abort', aborted)
          resolve(reply)
        },
        reject: error => {
          signal?.removeEventListener('abort', aborted)
          reject(error)
        },
      }
      signal?.addEventListener('abort', aborted, { once: true })
      if (first) this.waiting.unshift(job)
      else this.waiting.push(job)
      this.dispatch()
    })
  }

  /** Ends the threads; what they work on fails. */
  async close(): Promise<void> {
    this.closed = true
    for (const job of this.waiting.splice(0)) job.reject(closed())
    await Promise.all([...this.idle.splice(0), ...this.busy.keys()].map(worker => worker.terminate()))
  }

  private dispatch(): void {
    while (this.waiting.length > 0) {
      const worker = this.idle.pop() ?? (this.busy.size < this.count ? this.start() : undefined)
      if (!worker) return
      const job = this.waiting.shift()!
      try {
        const { name, request } = job
        const room = 'room' in request ? request.room : undefined
        worker.postMessage({ name, request }, room ? [room] : [])
      } catch (error) {
        this.idle.push(worker)
        job.reject(error)
        continue
      }
      this.busy.set(worker, job)
      worker.ref()
    }
  }

  private start(): Worker {
    const worker = new Worker(new URL('./packing-thread.js', import.meta.url), {
      // Flags of a script from the command line are none for a file.
      execArgv: [],
    })
    worker.unref()
    let cause: unknown
    worker.on('message', (reply: JobReply) => this.settle(worker, reply))
    worker.on('messageerror', error => (cause = error))
    worker.on('error', error => (cause = error)) // 'exit' follows
    worker.once('exit', () => this.exited(worker, cause))
    return worker
  }

  private settle(worker: Worker, answer: JobReply): void {
    const job = this.busy.get(worker)
    if (!job || this.closed) return
    this.busy.delete(worker)
    this.idle.push(worker)
    worker.unref()
    if ('error' in answer) {
      const { code, message, details } = answer.error
      job.reject(new MlforgeError(code, message, details))
    } else job.resolve(answer.reply as never)
    this.dispatch()
  }

  private exited(worker: Worker, cause: unknown): void {
    const place = this.idle.indexOf(worker)
    if (place >= 0) this.idle.splice(place, 1)
    const job = this.busy.get(worker)
    this.busy.delete(worker)
    const why = cause instanceof Error ? `: ${cause.message}` : ''
    job?.reject(
      this.closed
        ? closed()
        : new MlforgeError('unavailable', `A thread that cut and packed files has ended${why}. Try again.`),
    )
    if (!this.closed) this.dispatch()
  }
}

function closed(): MlforgeError {
  return new MlforgeError('wrong_state', 'The packing threads are closed. Make a new Packing.')
}
