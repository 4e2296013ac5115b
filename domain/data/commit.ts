import type { Json } from '../canonical-json.js'
import type { SuiteRef } from '../expectations/suite-version.js'
import { decodeRecord, encodeRecord } from './record.js'

/** An object that a commit names. */
export interface NamedObject {
  readonly sha256: string
  readonly bytes: number
}

/** The table of a version, where it has one: made from its files, and kept as an object of its own. */
export interface CommitTable {
  /** SHA-256 of the raw bytes, the conversion and the engine version: the same input, the same table. */
  readonly root: string
  readonly parquet: NamedObject
  /** Rows that could not be read; left out where there are none. */
  readonly quarantine?: NamedObject & { readonly rows: number }
  readonly rows: number
  readonly schema: Json
  readonly conversion: Json
  readonly proposal: Json
  readonly expectations: Json
  /** The suite of the dataset that they are of; left out where they are of none. */
  readonly suite?: SuiteRef
  readonly profile: Json
}

/** Where the code stood that made the files. */
export interface CodeState {
  readonly commit: string
  readonly dirty: boolean
}

/** A version of a dataset with all that is said of it: what the catalogue is restored from. */
export interface Commit {
  readonly dataset: string
  readonly version: number
  /** The branch on which it was made. */
  readonly branch: string
  /** Commits that it comes after, by the SHA-256 of their objects. */
  readonly parents: readonly string[]
  /** Roots of the versions of tables that its table was made from. */
  readonly madeFrom: readonly string[]
  /** Root of its files. */
  readonly manifest: string
  readonly files: number
  readonly bytes: number
  readonly author: string
  readonly message: string | null
  /** ISO 8601, UTC. */
  readonly at: string
  readonly code: CodeState | null
  readonly runId: string
  readonly effectKey: string
  readonly table: CommitTable | null
}

/** Characters that a message, and the name of an author, may have. */
export const MESSAGE_CHARACTERS = 10_000
export const AUTHOR_CHARACTERS = 200

/** A commit as it is hashed and stored: canonical JSON (RFC 8785) in UTF-8. */
export function encodeCommit(commit: Commit): Uint8Array {
  return encodeRecord({ t: 'commit', ...commit })
}

/**
 * Reads a commit.
 * @throws MlforgeError object_corrupt for what is none, unsupported_format for one of a later version
 */
export function decodeCommit(bytes: Uint8Array): Commit {
  const { t: _, ...commit } = decodeRecord(bytes, 'commit')
  return commit as unknown as Commit
}

/** A branch or tag as it stood after a change: the one with the highest sequence holds. */
export interface RefRecord {
  readonly dataset: string
  readonly kind: 'branch' | 'tag'
  readonly name: string
  /** Counts the changes of this name, from 1. */
  readonly sequence: number
  /** Null where it was removed. */
  readonly version: number | null
  readonly principal: string
  readonly at: string
}

/** A ref record as it is hashed and stored. */
export function encodeRef(ref: RefRecord): Uint8Array {
  return encodeRecord({ t: 'ref', ...ref })
}

/**
 * Reads a ref record.
 * @throws MlforgeError object_corrupt, unsupported_format
 */
export function decodeRef(bytes: Uint8Array): RefRecord {
  const { t: _, ...ref } = decodeRecord(bytes, 'ref')
  return ref as unknown as RefRecord
}

/** That the files of a version are not kept any more. */
export interface EndRecord {
  /** SHA-256 of the commit of the version; of one that was purged it is gone. */
  readonly commit: string
  /** The identity of the version, which is not in a commit without a table. */
  readonly root: string
  readonly at: string
  /** Null where it was retired by the rule of its dataset. */
  readonly purge: { readonly by: string; readonly reason: string } | null
  /** The commit without what it says of its content: no table; no message where it was purged. */
  readonly last: Commit
}

/** An end record as it is hashed and stored, among the ref records. */
export function encodeEnd(end: EndRecord): Uint8Array {
  return encodeRecord({ t: 'end', ...end })
}

/**
 * Reads what is among the ref records.
 * @throws MlforgeError object_corrupt, unsupported_format
 */
export function decodeRefOrEnd(bytes: Uint8Array): { ref: RefRecord } | { end: EndRecord } {
  const { t, ...found } = decodeRecord(bytes, 'ref', 'end')
  return t === 'end' ? { end: found as unknown as EndRecord } : { ref: found as unknown as RefRecord }
}
