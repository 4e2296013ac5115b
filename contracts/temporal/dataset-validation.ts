import type { SuiteRef } from '../../domain/expectations/suite-version.js'
import type { RunEnd, ValidateOutcome } from './messages.js'

/** What is checked, as its run's row has it: both are immutable. */
export interface ValidationRequest {
  /** Of the dataset. */
  readonly version: number
  readonly suite: SuiteRef
}

export interface ValidationLive {
  readonly stage: 'validate' | 'done'
}

export interface ValidateVersionOutcome extends ValidateOutcome {
  readonly expectations: number
  /** Those of severity error that do not hold. */
  readonly failed: number
}

export interface DatasetValidateResult extends RunEnd {
  readonly expectations: number
  readonly failed: number
  readonly warned: number
}
