import type { ErrorDetails } from '../../../domain/errors.js'

/** What the process that reads Arrow says, one JSON object a line. */
export type ArrowMessage =
  | { readonly event: 'alive' }
  | { readonly event: 'done' }
  | {
      readonly event: 'refused'
      readonly code: string
      readonly message: string
      readonly details: ErrorDetails
    }
  | { readonly event: 'failed'; readonly message: string }
