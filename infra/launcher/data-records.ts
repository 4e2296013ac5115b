import {
  type Commit,
  decodeCommit,
  decodeRefOrEnd,
  type EndRecord,
  type RefRecord,
} from '../../domain/data/commit.js'
import type { PackEntry } from '../../domain/data/pack.js'
import { MlforgeError } from '../../domain/errors.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { sha256OfUri } from '../../stores/objects/object-uri.js'
import { allObjects, bytesOf } from '../../stores/objects/whole.js'
import { readStoredIndex } from '../../stores/packs/pack-index.js'

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

export const refKey = ({ dataset, name }: Pick<RefRecord, 'dataset' | 'name'>): string => `${dataset} ${name}`

/** Packs with what their indices say; of one that has no whole index the problem. */
export async function* storedPacks(
  objects: ObjectStore,
  project: string,
): AsyncGenerator<StoredPack | DataProblem> {
  for await (const { uri, bytes } of allObjects(objects, project, 'packs')) {
    try {
      yield { sha256: sha256OfUri(uri), bytes, chunks: await readStoredIndex(objects, uri, bytes) }
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
  for await (const { uri } of allObjects(objects, project, 'commits')) {
    const commit = await readRecord(objects, uri, decodeCommit, problems)
    if (commit !== null) commits.set(sha256OfUri(uri), commit)
  }
  for await (const { uri } of allObjects(objects, project, 'refs')) {
    const found = await readRecord(objects, uri, decodeRefOrEnd, problems)
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

/** A record; null where it is damaged, which is among the problems then. */
export async function readRecord<T>(
  objects: ObjectStore,
  uri: string,
  decode: (bytes: Uint8Array) => T,
  problems: DataProblem[],
): Promise<T | null> {
  try {
    return decode(await bytesOf(objects, uri))
  } catch (error) {
    problems.push(problemOf('record_corrupt', uri, error))
    return null
  }
}

/** What is wrong with an object, as the error of reading it says. @throws the error where it is another one */
export function problemOf(code: string, at: string, error: unknown): DataProblem {
  const codes = ['object_corrupt', 'object_missing', 'unsupported_format']
  if (error instanceof MlforgeError && codes.includes(error.code)) return { code, at, message: error.message }
  throw error
}
