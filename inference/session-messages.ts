/** A model file to hold ready, under a name of the caller's. */
export interface SessionSpec {
  readonly key: string
  readonly file: string
  /** How many features the model takes. */
  readonly columns: number
}

/** What a thread says first: it takes batches from now on, for all sessions but those that failed. */
export interface ThreadReady {
  readonly failed: [key: string, problem: string][]
}

/** Rows of one session, row after row. */
export interface BatchRequest {
  readonly key: string
  readonly values: Float32Array<ArrayBuffer>
  readonly rows: number
}

export type BatchReply = { readonly outputs: Float32Array<ArrayBuffer> } | { readonly error: string }
