import { ERROR_CODES, type ErrorCode, isErrorCode } from '../errors.js'
import type { RunStatus } from './run-status.js'

/** A failure as it crosses the workflow boundary: a code, never a class. */
export interface FailureSeen {
  readonly kind: 'application' | 'timeout' | 'cancelled' | 'other'
  readonly code?: string
  readonly message: string
}

/** True for codes that say that the request or its data is wrong: an answer, not an accident. */
export function isRefusal(code: ErrorCode): boolean {
  const { http } = ERROR_CODES[code]
  return http === 422 || http === 400 || code === 'branch_moved' || code === 'transfer_expired'
}

/**
 * What a failure makes of a run: an input or a gate that says no refuses it, everything else fails it.
 * A code that is about what was asked refuses it, since the same run cannot do better later.
 */
export function statusOfFailure(failure: FailureSeen): { status: RunStatus; code: string } {
  switch (failure.kind) {
    case 'cancelled':
      return { status: 'cancelled', code: 'cancelled' }
    case 'timeout':
      return { status: 'timed_out', code: 'timed_out' }
    case 'application': {
      const code = isErrorCode(failure.code) ? failure.code : 'internal'
      return { status: isRefusal(code) ? 'refused' : 'failed', code }
    }
    case 'other':
      return { status: 'failed', code: 'internal' }
  }
}
