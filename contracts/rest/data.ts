import type { Operation } from './operations.js'

/** Where the code stood that made the files. */
export interface CodeState {
  commit: string
  dirty: boolean
}

/** What a version is to be, before its first byte is sent. */
export interface StartPush {
  /** The branch it is for; `main` where left out. */
  branch?: string
  /** Number of the version it was made from; null for the first one of the dataset. */
  base: number | null
  /** SHA-256 of the root of its files. */
  manifest: string
  files: number
  bytes: number
  message?: string
  author?: string
  code?: CodeState
  /** Only what was lost of `base`, whose files these are: no version is made, whatever its branch is at. */
  restore?: boolean
}

export interface DataPush extends Operation {
  dataset: string
  branch: string
  base: number | null
  manifest: string
  files: number
  bytes: number
  /** What has come so far; whole files as the client has said. */
  received: { packs: number; bytes: number; files: number }
  /** Nothing more is taken; what has come is checked and becomes a version. */
  sealed: boolean
  /** Until when it waits for more. */
  expiresAt: string
  version: number | null
  /** False when the branch had this content already. */
  created: boolean | null
}

export interface AskChunks {
  /** SHA-256 of chunks, each 64 hexadecimal digits. */
  chunks: string[]
}

/** Chunks that are to come as a pack. */
export interface ReadChunks extends AskChunks {
  /** Each is read from wherever it is whole: for those that came damaged. */
  whole?: boolean
}

export interface MissingChunks {
  missing: string[]
}

/** A pack that is to be sent. */
export interface OfferPack {
  sha256: string
  bytes: number
}

/** Where a pack goes. */
export interface PackUpload {
  /**
   * A request that puts it into the object store, which refuses other bytes; say afterwards that it is there. Null
   * where the store takes no requests: send it to this API.
   */
  upload: { url: string; headers: Record<string, string> } | null
}

/** A pack that has come whole. */
export interface ReceivedPack {
  sha256: string
  bytes: number
  chunks: number
}

/** A file of a version. */
export interface DataFile {
  path: string
  bytes: number
  executable: boolean
  /** Its only chunk, or the node that lists its chunks; null for an empty one. */
  content: { chunk?: string; list?: string } | null
}

export interface DataChange {
  change: 'added' | 'removed' | 'changed'
  path: string
  from: DataFile | null
  to: DataFile | null
}

/** A name for a version. A branch moves with each version made on it. */
export interface DataRef {
  kind: 'branch' | 'tag'
  name: string
  version: number
  updatedAt: string
  /** Who has moved it last. */
  principal: string
}

export interface StartPull {
  /** Number, `latest`, branch, tag, or an instant in braces. */
  version: string
}

/** A version that somebody reads: it stays readable while that is under way. */
export interface DataPull extends Operation {
  dataset: string
  version: number
  manifest: string
  files: number
  bytes: number
  /** What the reader has said to have. */
  received: { files: number; bytes: number }
  expiresAt: string
}

export interface PullProgress {
  files: number
  bytes: number
  /** True once everything is there. */
  done: boolean
}

export interface PushProgress {
  /** Of which all was sent, or was there. */
  files: number
}

export interface MoveRef {
  version: number
  /** Where it must point still; null for nowhere. */
  expected?: number | null
}
