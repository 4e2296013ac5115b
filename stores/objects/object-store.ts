import type { Readable } from 'node:stream'
import type { NamedFile } from './named-files.js'

/** Where a piece of content is and what it must hash to. Safe to pass through workflows. */
export interface ObjectRef {
  /** `<project>/sha256/<aa>/<hex>`: the content names the object, so writing twice is writing once. */
  readonly uri: string
  readonly sha256: string
  readonly bytes: number
}

export interface WriteOptions {
  readonly signal?: AbortSignal
  /** Refuses with `body_too_large` once more bytes than this have come. */
  readonly maxBytes?: number
}

/**
 * Immutable, content-addressed objects. An object becomes visible whole or not at all; every read
 * is checked against the hash in its name. Nothing here is a lock: pointers live in Postgres.
 */
export interface ObjectStore {
  write(
    project: string,
    content: AsyncIterable<Uint8Array> | Uint8Array,
    options?: WriteOptions,
  ): Promise<ObjectRef>
  /** Streams verified bytes; the stream fails with `object_corrupt` when the content does not match. */
  open(uri: string, options?: { signal?: AbortSignal }): Promise<Readable>
  /** Size in bytes, or null where there is no such object. Does not read the content. */
  size(uri: string): Promise<number | null>
  /**
   * A local file with the verified content, read-only for the caller: the object itself where the
   * store is local, else a copy in `directory`.
   * @throws MlforgeError object_missing, object_corrupt
   */
  toFile(uri: string, directory: string): Promise<string>
  /** Removes an object that no pointer names any more; one that is not there already is no error. */
  remove(uri: string): Promise<void>
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
}
