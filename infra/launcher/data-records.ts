import {
  type Commit,
  decodeCommit,
  decodeRefOrEnd,
  type EndRecord,
  type RefRecord,
} from '../../domain/data/commit.js'
import { FOOTER_BYTES, indexOffset, type PackEntry, readPackIndex } from '../../domain/data/pack.js'
import { MlforgeError } from '../../domain/errors.js'
import { sha256Bytes } from '../../stores/ids.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { type ObjectKind, objectUri, parseObjectUri } from '../../stores/objects/object-uri.js'

/** Something that is not as it should be. */
export interface DataProblem {
  readonly code: string
  readonly at: string
  readonly message: string
}

export interface StoredPack {
  readonly sha256: string
  readonly bytes: number
  readonly chunks: readonly PackEntry[]
}

/** What the object store says of the versions of a project: commits by their hash, and how branches and tags stand. */
export interface StoredRecords {
  readonly commits: ReadonlyMap<string, Commit>
  /** The last change of each, by dataset and name. */
  readonly refs: ReadonlyMap<string, RefRecord>
  /** By the hash of the commit. */
  readonly ends: ReadonlyMap<string, EndRecord>
}

const LISTED = 1_000

export const refKey = ({ dataset, name }: Pick<RefRecord, 'dataset' | 'name'>): string => `${dataset} ${name}`

/** Packs with what their indices say; of one that has no whole index the problem. */
export async function* storedPacks(
  objects: ObjectStore,
  project: string,
): AsyncGenerator<StoredPack | DataProblem> {
  for await (const { sha256, bytes } of listed(objects, project, 'packs')) {
    const uri = objectUri(project, sha256, 'packs')
    try {
      const length = Math.min(bytes, FOOTER_BYTES)
      const footer = await objects.range(uri, bytes - length, length)
      const index = indexOffset(footer, bytes)
      const trailer = await objects.range(uri, index, bytes - index)
      yield { sha256, bytes, chunks: readPackIndex(trailer, bytes, sha256Bytes) }
    } catch (error) {
      yield problemOf('pack_corrupt', uri, error)
    }
  }
}

/** Commits and records of branches and tags. They are in memory together: some kilobytes for each version. */
export async function storedRecords(
  objects: ObjectStore,
  project: string,
  problems: DataProblem[],
): Promise<StoredRecords> {
  const commits = new Map<string, Commit>()
  const refs = new Map<string, RefRecord>()
  const ends = new Map<string, EndRecord>()
  for await (const { sha256 } of listed(objects, project, 'commits')) {
    const commit = await read(objects, objectUri(project, sha256, 'commits'), decodeCommit, problems)
    if (commit !== null) commits.set(sha256, commit)
  }
  for await (const { sha256 } of listed(objects, project, 'refs')) {
    const found = await read(objects, objectUri(project, sha256, 'refs'), decodeRefOrEnd, problems)
    if (found === null) continue
    if ('end' in found) {
      // Of a version that was retired and purged later, the purge holds.
      if (ends.get(found.end.commit)?.purge == null) ends.set(found.end.commit, found.end)
      continue
    }
    const known = refs.get(refKey(found.ref))
    if (known === undefined || known.sequence < found.ref.sequence) refs.set(refKey(found.ref), found.ref)
  }
  return { commits, refs, ends }
}

async function read<T>(
  objects: ObjectStore,
  uri: string,
  decode: (bytes: Uint8Array) => T,
  problems: DataProblem[],
): Promise<T | null> {
  try {
    const parts: Uint8Array[] = []
    for await (const part of await objects.open(uri)) parts.push(part as Uint8Array)
    return decode(Buffer.concat(parts))
  } catch (error) {
    problems.push(problemOf('record_corrupt', uri, error))
    return null
  }
}

async function* listed(
  objects: ObjectStore,
  project: string,
  kind: ObjectKind,
): AsyncGenerator<{ sha256: string; bytes: number }> {
  for (let after: string | undefined; ;) {
    const page = await objects.list(project, kind, { limit: LISTED, ...(after ? { after } : {}) })
    if (page.length === 0) return
    for (const { uri, bytes } of page) yield { sha256: parseObjectUri(uri)!.sha256, bytes }
    after = page.at(-1)!.uri
  }
}

function problemOf(code: string, at: string, error: unknown): DataProblem {
  const codes = ['object_corrupt', 'object_missing', 'unsupported_format']
  if (error instanceof MlforgeError && codes.includes(error.code)) return { code, at, message: error.message }
  throw error
}
