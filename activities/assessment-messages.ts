import type { ColumnDrift, DriftColumn, NoReference } from '../domain/drift/columns.js'
import type {
  ReferenceFacts,
  WindowFacts,
  WindowReport,
  WindowValues,
} from '../domain/drift/window-report.js'
import type { ErrorCode } from '../domain/errors.js'

/** What the thread is asked: the arguments of the function of that name, and what it returns. */
export interface Assessments {
  readonly compareColumn: {
    readonly arguments: readonly [
      column: DriftColumn,
      current: ArrayLike<number> | null,
      reference: ArrayLike<number> | NoReference | null,
    ]
    readonly result: ColumnDrift
  }
  readonly reportWindow: {
    readonly arguments: readonly [
      facts: WindowFacts,
      values: WindowValues,
      reference: ReferenceFacts,
      columns: readonly ColumnDrift[],
    ]
    readonly result: WindowReport
  }
}

export type AssessmentRequest = {
  [Name in keyof Assessments]: {
    readonly name: Name
    readonly arguments: Assessments[Name]['arguments']
  }
}[keyof Assessments]

export type AssessmentReply =
  | { readonly result: Assessments[keyof Assessments]['result'] }
  | { readonly error: { readonly code: ErrorCode; readonly message: string } }
