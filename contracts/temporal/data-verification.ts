import type { ContentRef, RunEnd, RunInput } from './messages.js'

/** What is verified, as its run's row has it. */
export interface VerificationRequest {
  /** Null: every dataset of the project. */
  readonly dataset: string | null
  /** Null: every version that is kept. */
  readonly version: number | null
}

export type VerificationStage = 'mark' | 'packs' | 'objects' | 'report' | 'done'

export interface VerificationLive {
  readonly stage: VerificationStage
  readonly packs?: number
}

export interface MarkOutcome {
  readonly done: true
  /** The newest pack: what is damaged is written anew into newer ones, which are not read. Left out by earlier releases. */
  readonly newestPack?: string | null
}

export interface VerifyPacksInput extends RunInput {
  /** Packs behind this one. */
  readonly after: string
}

/** What was found in some packs. */
export interface VerifiedPacks {
  /** The last one; null where there are no more. */
  readonly after: string | null
  readonly packs: number
  readonly bytes: number
  /** Packs that were not what they are to be. What was whole of them, or in others, is in new ones. */
  readonly damaged: number
}

/** What was found of commits, of records of branches and tags, and of tables. */
export interface VerifiedObjects {
  readonly objects: number
  readonly damaged: readonly DamagedObject[]
}

export interface DamagedObject {
  readonly what: string
  readonly uri: string
  readonly healed: boolean
}

/** A file of a version that cannot be read whole. */
export interface DamagedFile {
  readonly dataset: string
  readonly version: number
  /** Its path; of a node of the manifest the last path below it, behind `…`. */
  readonly path: string
  /** The first chunk of it that is in no pack. */
  readonly chunk: string
}

export interface VerificationReport {
  readonly packs: number
  readonly bytes: number
  readonly objects: number
  readonly damagedPacks: number
  readonly damagedObjects: readonly DamagedObject[]
  /** Chunks that are in no pack any more: push the files that have them again. */
  readonly lostChunks: number
  readonly files: readonly DamagedFile[]
  /** False where more files are damaged than are listed. */
  readonly complete: boolean
}

export interface ReportOutcome {
  readonly lostChunks: number
  readonly damagedFiles: number
  /** The whole report, as JSON. */
  readonly report: ContentRef
}

export interface DatasetVerifyResult extends RunEnd, ReportOutcome {
  readonly packs: number
  readonly bytes: number
  readonly objects: number
  readonly damagedPacks: number
  readonly damagedObjects: number
  /** Of the damaged objects those that could not be written again. */
  readonly lostObjects: number
}
