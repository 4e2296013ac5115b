import type { Problem } from '../errors.js'

/** So many problems are named in one answer; the rest are counted. */
const NAMED = 20

/** Collects what is wrong with a request, all of it counted and the first ones named. */
export class ProblemList {
  readonly named: Problem[] = []
  total = 0

  /** @param message made only where it is named: a suggestion takes time, and a body can be wrong all over */
  add(at: string, message: string | (() => string)): void {
    this.total++
    if (this.named.length >= NAMED) return
    this.named.push({ at: at.slice(0, 200), message: typeof message === 'string' ? message : message() })
  }

  /** ` The first 20 of 60 are listed.`, or nothing where all are. */
  get remainder(): string {
    return this.total > this.named.length
      ? ` The first ${this.named.length} of ${this.total} are listed.`
      : ''
  }
}
