import type { RunStatus } from './run-status.js'

/** When a failed run is started again without anybody asking. */
export interface RetryPolicy {
  /** Codes of failures that another try can cure. */
  readonly codes: readonly string[]
  /** Starts of one run in all, the first included. */
  readonly maxAttempts: number
  readonly delaySeconds: number
}

/** For work that only a person may ask for again. */
export const NOT_RETRIED: RetryPolicy = { codes: [], maxAttempts: 1, delaySeconds: 1 }

export interface EndedRun {
  readonly status: RunStatus
  readonly code: string | null
  /** Starts so far. */
  readonly attempt: number
  readonly endedAt: Date
}

const ACCIDENTS: readonly RunStatus[] = ['failed', 'timed_out', 'lost', 'start_failed']

export type RetryDecision =
  { readonly retry: true; readonly at: Date } | { readonly retry: false; readonly reason: string }

/**
 * Whether and when an ended run is picked up again. Only failures, time-outs and runs that were lost
 * or never started are; what somebody cancelled, terminated or what refused its input is left alone.
 */
export function decideRetry(policy: RetryPolicy, run: EndedRun): RetryDecision {
  if (!ACCIDENTS.includes(run.status)) {
    return { retry: false, reason: `a run that is ${run.status} is not retried by itself` }
  }
  const code = run.code ?? run.status
  if (!policy.codes.includes(code)) {
    return { retry: false, reason: `${code} is not among the codes that are retried` }
  }
  if (run.attempt >= policy.maxAttempts) {
    return { retry: false, reason: `${run.attempt} of ${policy.maxAttempts} attempts are used up` }
  }
  return { retry: true, at: new Date(run.endedAt.getTime() + policy.delaySeconds * 1000) }
}
