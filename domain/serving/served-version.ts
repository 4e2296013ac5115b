import type { ModelSignature } from '../models/signature.js'

/** What a replica needs to serve a version of a model. */
export interface ServedVersion {
  readonly model: string
  readonly version: number
  readonly signature: ModelSignature
  /** The ONNX export that was compared with the engine when the version was registered. */
  readonly onnx: ServedContent
  /** State of the transformation that the signature names; left out where it names none. */
  readonly transformation?: ServedContent
}

export interface ServedContent {
  readonly uri: string
  readonly sha256: string
  readonly bytes: number
}
