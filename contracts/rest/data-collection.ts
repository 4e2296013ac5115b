import type { Operation } from './operations.js'

/** What is asked of a collection: a plan, unless it is to be executed at once. */
export interface StartCollection {
  execute?: boolean
}

/** What would be removed. */
export interface CollectionPlan {
  /** Versions that retention retires. */
  versions: number
  /** Packs that nothing needs. */
  packs: number
  packBytes: number
  /** Packs of which little is needed: that is written anew. */
  repacks: number
  repackBytes: number
  repackLiveBytes: number
  /** Objects that no pack is. */
  unknownObjects: number
  /** Objects of tables that nothing needs: of retired versions, of uploads and runs that became none. */
  tableObjects: number
  tableBytes: number
}

export interface RemovedPacks {
  packs: number
  bytes: number
  /** Planned packs that somebody has used meanwhile, or holds. */
  kept: number
}

/** What no version needs, planned or removed. */
export interface DataCollection extends Operation {
  executes: boolean
  /** Null until it is made. */
  plan: CollectionPlan | null
  plannedAt: string | null
  /** Until when the plan may be executed; null where it cannot be. */
  executableUntil: string | null
  /** The collection whose plan it executes. */
  planId: string | null
  /** The collection that executes its plan. */
  executedBy: string | null
  removed: RemovedPacks | null
}

export interface StartVerification {
  /** All where left out. */
  dataset?: string
  /** Number, `latest`, branch, tag, or an instant in braces; all that are kept where left out. */
  version?: string
}

/** What was read whole, and what could not be. */
export interface DataVerification extends Operation {
  dataset: string | null
  version: number | null
  /** Null until it has ended. */
  found: VerificationFound | null
}

export interface VerificationFound {
  packs: number
  bytes: number
  /** Commits, records of branches and tags, and tables. */
  objects: number
  damagedPacks: number
  damagedObjects: number
  /** Of these those that could not be written again. */
  lostObjects: number
  /** Chunks that are in no pack any more. */
  lostChunks: number
  damagedFiles: number
}

/** The whole of what a verification has found. */
export interface VerificationReport {
  packs: number
  bytes: number
  objects: number
  damagedPacks: number
  damagedObjects: { what: string; uri: string; healed: boolean }[]
  lostChunks: number
  files: { dataset: string; version: number; path: string; chunk: string }[]
  /** False where more is damaged than is listed. */
  complete: boolean
}

/** Which versions of a dataset are kept, beside those that something names. Each rule alone keeps a version. */
export interface Retention {
  /** The newest so many of each branch. */
  keepLast: number
  /** Those that were made within so many days. */
  keepDays: number
  /** Those that a tag points at: always. */
  keepTagged?: true
}

/** `null` where every version is kept. */
export interface DatasetRetention {
  retention: Retention | null
}

export interface SetRetention {
  retention: Retention | null
}

export interface PurgeVersion {
  reason: string
}

export interface PurgedVersion {
  dataset: string
  version: number
  retiredAt: string
  by: string
  reason: string
}
