import { ERROR_CODES, isErrorCode } from '../errors.js'
import type { RunStatus } from './run-status.js'

/** A failure as it crosses the workflow boundary: a code, never a class. */
export interface FailureSeen {
  readonly kind: 'application' | 'timeout' | 'cancelled' | 'other'
  readonly code?: string
  readonly message: string
}

/**
 * What a failure makes of a run: an input or a gate that says no refuses it, everything else fails it.
 * Codes that are answered with 422 are about what was asked, so the same run cannot do better later.
 */
export function statusOfFailure(failure: FailureSeen): { status: RunStatus; code: string } {
  switch (failure.kind) {
    case 'cancelled':
      return { status: 'cancelled', code: 'cancelled' }
    case 'timeout':
      return { status: 'timed_out', code: 'timed_out' }
    case 'application': {
      const code = isErrorCode(failure.code) ? failure.code : 'internal'
      return { status: ERROR_CODES[code].http === 422 ? 'refused' : 'failed', code }
    }
    case 'other':
      return { status: 'failed', code: 'internal' }
  }
}
