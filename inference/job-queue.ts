/** Rows that wait for one session. */
export interface Job {
  readonly key: string
  readonly values: Float32Array<ArrayBuffer>
  readonly rows: number
  /** Milliseconds of `performance.now()` after which nobody waits for the answer any more. */
  readonly expiresAt: number
  readonly resolve: (outputs: Float32Array) => void
  readonly reject: (error: Error) => void
}

/** Most rows of one run: enough to spread its cost, few enough that the next in line is not kept long. */
const BATCH_ROWS = 1_024

/** Jobs in the order of their arrival, taken out in batches of one session. */
export class JobQueue {
  private jobs: Job[] = []
  rows = 0

  push(job: Job): void {
    this.jobs.push(job)
    this.rows += job.rows
  }

  /** The oldest job, with as many of the same session as fit into one run; empty when nothing waits. */
  take(): Job[] {
    const first = this.jobs[0]
    if (first === undefined) return []
    const batch: Job[] = []
    const rest: Job[] = []
    let rows = 0
    for (const job of this.jobs) {
      if (job.key === first.key && (batch.length === 0 || rows + job.rows <= BATCH_ROWS)) {
        batch.push(job)
        rows += job.rows
      } else rest.push(job)
    }
    this.jobs = rest
    this.rows -= rows
    return batch
  }

  /** Takes out the jobs whose time is over. */
  expired(now: number): Job[] {
    const late = this.jobs.filter(job => job.expiresAt <= now)
    if (late.length === 0) return late
    this.jobs = this.jobs.filter(job => job.expiresAt > now)
    this.rows = this.jobs.reduce((sum, job) => sum + job.rows, 0)
    return late
  }
}
