import type { Pair, Point } from './points.js'

/** One try to play a scenario with kills in it. */
export interface Attempt {
  /** What is killed at which of the scenario's points. */
  readonly pairs: readonly Pair[]
  /** Name of what the scenario makes. No two attempts on a stack share it, nor the number. */
  readonly prefix: string
  readonly number: number
  /** Milliseconds between a point and its kill: 0 hits it as exactly as it can be seen. */
  readonly delayMs: number
}

/** What was killed. */
export interface Kill {
  readonly point: Point
  readonly pid: number
  /** The point had passed when the kill came, as it may on a busy machine. */
  readonly late: boolean
}

/** One scenario on a stack, with the state that an undisturbed one leaves. */
export interface Play {
  /** Plays it to its end, while processes are killed at its points. */
  attempt(attempt: Attempt): Promise<Kill[]>
  /** How what the last attempt has left differs from what an undisturbed one leaves. */
  differences(): Promise<string[]>
  /** Name of what the last attempt has made. */
  readonly lastName: string
}
