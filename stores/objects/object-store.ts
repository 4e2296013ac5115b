import type { Readable } from 'node:stream'
import type { NamedFile } from './named-files.js'
import type { ObjectKind } from './object-uri.js'

/** Where a piece of content is and what it must hash to. Safe to pass through workflows. */
export interface ObjectRef {
  /** `<project>/<kind>/<aa>/<hex>`: the content names the object, so writing twice is writing once. */
  readonly uri: string
  readonly sha256: string
  readonly bytes: number
}

export interface WriteOptions {
  readonly signal?: AbortSignal
  /** Refuses with `body_too_large` once more bytes than this have come. */
  readonly maxBytes?: number
  /** What of the project it is among; `sha256` where nothing is said. */
  readonly kind?: ObjectKind
  /** The hash, in hex, that the content must have: other content is refused with `checksum_mismatch`. */
  readonly sha256?: string
}

export interface ListedObject {
  readonly uri: string
  readonly bytes: number
  /** When it was written last. Writing equal content again renews it. */
  readonly modifiedMs: number
}

export interface ListOptions {
  /** Only uris behind this one: the last of the page before. */
  readonly after?: string
  readonly limit: number
}

export interface RangeOptions {
  readonly signal?: AbortSignal
  readonly into?: Uint8Array
}

/** A request that puts one object into the store, for somebody who has no access of their own. */
export interface PresignedPut {
  readonly url: string
  /** Must be sent as they are: they are part of the signature. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Immutable, content-addressed objects. An object becomes visible whole or not at all; every read
 * is checked against the hash in its name. Nothing here is a lock: pointers live in Postgres.
 */
export interface ObjectStore {
  /** @throws MlforgeError body_too_large, checksum_mismatch, invalid_request; unavailable: try again later */
  write(
    project: string,
    content: AsyncIterable<Uint8Array> | Uint8Array,
    options?: WriteOptions,
  ): Promise<ObjectRef>
  /** Streams verified bytes; the stream fails with `object_corrupt` when the content does not match. */
  open(uri: string, options?: { signal?: AbortSignal }): Promise<Readable>
  /**
   * Exactly the `bytes` bytes from `offset` on, held in memory. They are NOT verified: the hash is of the whole
   * object, so the caller verifies what it finds inside.
   * @param options `into` is memory of that size for them
   * @throws MlforgeError object_missing; object_corrupt where the object ends before them
   */
  range(uri: string, offset: number, bytes: number, options?: RangeOptions): Promise<Uint8Array>
  /** Size in bytes, or null where there is no such object. Does not read the content. */
  size(uri: string): Promise<number | null>
  /**
   * What the store knows of an object without reading it: its size, and the hash that was verified while the
   * object was received, or null where it was not: then reading all of it is the way to know. Null where there
   * is no such object.
   */
  checksum(uri: string): Promise<{ bytes: number; sha256: string | null } | null>
  /** One page of the objects of a kind, in order of their uris; an empty one behind the last. */
  list(project: string, kind: ObjectKind, options: ListOptions): Promise<ListedObject[]>
  /**
   * A local file with the verified content, read-only for the caller: the object itself where the
   * store is local, else a copy in `directory`.
   * @throws MlforgeError object_missing, object_corrupt
   */
  toFile(uri: string, directory: string): Promise<string>
  /** Removes an object that no pointer names any more; one that is not there already is no error. */
  remove(uri: string): Promise<void>
  /**
   * A request by which somebody without access puts this object, and which the server refuses for other bytes.
   * Null where the store has no server that could be asked. Before an object that came so is used, `checksum`
   * must have its size and hash: there are servers that ignore what was signed.
   */
  presignPut(uri: string, options: { bytes: number; expiresSeconds: number }): Promise<PresignedPut | null>
  /** An address from which the object can be read for a while; the reader verifies it. Null as for `presignPut`. */
  presignGet(uri: string, options: { expiresSeconds: number }): Promise<string | null>
  /**
   * What others have put below `<project>/<prefix>` under names of their own, which follow the project; none
   * where nothing has that prefix.
   * @throws MlforgeError source_unavailable where it is more than `limit`
   */
  named(project: string, prefix: string, limit: number): Promise<NamedFile[]>
  /**
   * The content of one of them as an object of this store, which stays when the other one is changed.
   * @throws MlforgeError object_missing
   */
  adopt(project: string, name: string): Promise<ObjectRef>
  /**
   * Removes what writers that were killed left behind, once it is a day older than `now` (milliseconds since
   * the epoch). Answers how much it was.
   */
  removeStale(now: number): Promise<number>
  /** @throws where the store cannot be used now, saying why */
  assertUsable(): Promise<void>
}
