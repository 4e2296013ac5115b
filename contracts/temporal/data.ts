import type { CodeState } from '../../domain/data/commit.js'
import type { RunEnd, RunInput } from './messages.js'

/** What a push is to become, as its run's row has it. */
export interface PushRequest {
  readonly branch: string
  readonly base: number | null
  readonly manifest: string
  readonly files: number
  readonly bytes: number
  readonly message: string | null
  readonly author: string | null
  readonly code: CodeState | null
  /** What was lost of `base` is sent again, and no version made. */
  readonly restore?: true
}

/** Which version is pulled. */
export interface PullRequest {
  readonly version: number
  readonly manifest: string
  readonly files: number
  readonly bytes: number
}

export type PushStage = 'receive' | 'check' | 'commit' | 'publish'

/** How far a transfer is. */
export interface TransferLive {
  readonly stage: PushStage | 'prepare' | 'read'
  readonly packs?: number
  readonly bytes?: number
  /** As its client has said. */
  readonly files?: number
  readonly total?: TransferTotal
}

export interface TransferTotal {
  readonly files: number
  readonly bytes: number
}

export interface DataPushResult extends RunEnd {
  readonly version?: number
  readonly root?: string
}

export interface DataPullResult extends RunEnd {
  readonly version: number
}

/** What a push waits for: packs to be verified, and that nothing more comes. */
export interface TransferState {
  readonly sealed: boolean
  readonly expired: boolean
  readonly packs: number
  readonly bytes: number
  /** Files that its client has said to have sent, or to have. Histories of earlier releases are without. */
  readonly files?: number
  readonly total?: TransferTotal
  /** Packs that have come and are not verified. */
  readonly unverified: number
}

export interface AwaitTransferInput extends RunInput {
  readonly seen: TransferState
}

/** Versions that were put into packs and written as commits, and whether there are more of them. */
export interface PublishReport {
  readonly published: number
  readonly more: boolean
}
