import type { ChunkEntry } from '../domain/data/nodes.js'
import type { PackEntry } from '../domain/data/pack.js'
import type { ErrorCode, ErrorDetails } from '../domain/errors.js'

/** What says whether a file is still the one that was read. Times are in nanoseconds since 1970, in decimal. */
export interface FileStat {
  readonly size: number
  readonly mtimeNs: string
  readonly ctimeNs: string
  readonly ino: string
  readonly mode: number
}

/** A file that was read whole, in its chunks. */
export interface ScannedFile {
  readonly file: string
  readonly bytes: number
  readonly chunks: readonly ChunkEntry[]
  readonly stat: FileStat
  /** The bytes of a file of one chunk, where they were asked for. */
  readonly content?: Uint8Array
}

/** A chunk or a node that is to be packed, and where its bytes are. */
export interface Piece {
  readonly sha256: string
  readonly bytes: number
  readonly from: { readonly file: string; readonly offset: number } | { readonly content: Uint8Array }
  /** Files whose pieces all came before it, where that is to be known of packs. */
  readonly filesBefore?: number
}

/** A pack as it is stored, by the SHA-256 of it. */
export interface Pack {
  readonly sha256: string
  readonly content: Uint8Array
  readonly chunks: readonly PackEntry[]
}

/** A pack, and how many files are whole in it and those before. */
export interface PackOfFiles extends Pack {
  readonly files: number
}

/** A pack that is read into memory to be verified. */
export interface StoredPack {
  readonly bytes: number
  /** Fills memory of that size. */
  read(into: Uint8Array): Promise<unknown>
}

/** Part of a file that is cut. */
export interface Range {
  readonly file: string
  /** What the file has to be. */
  readonly stat: FileStat
  readonly from: number
  /** No chunk begins here or later. */
  readonly until: number
  /** Positions where it may end earlier, as what follows is known. */
  readonly known: readonly number[]
}

/** What threads do. */
export interface Jobs {
  /** The first files of these, as many as fit into one answer; a large one is left to ranges. */
  scan: {
    request: { readonly files: readonly string[]; readonly withContent?: boolean }
    reply: { readonly scanned: readonly ScannedFile[]; readonly large: FileStat | null }
  }
  range: { request: Range; reply: { readonly chunks: readonly ChunkEntry[]; readonly end: number } }
  pack: {
    /** `room` is memory that the pack may be made in, and is handed over. */
    request: { readonly pieces: readonly Piece[]; readonly room?: ArrayBuffer }
    reply: Pack
  }
  verify: {
    request: { readonly file: string } | { readonly content: Uint8Array }
    reply: readonly PackEntry[]
  }
}

export type JobName = keyof Jobs

export type JobRequest = { [Name in JobName]: { name: Name; request: Jobs[Name]['request'] } }[JobName]

export type JobReply =
  | { readonly reply: Jobs[JobName]['reply'] }
  | { readonly error: { code: ErrorCode; message: string; details: ErrorDetails } }
