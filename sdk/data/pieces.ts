import { join } from 'node:path'
import { decodeNode, type FileEntry, listOf, rootHash } from '../../domain/data/nodes.js'
import { chunksOf, filesOf } from '../../domain/data/walk.js'
import { MlforgeError, type Problem } from '../../domain/errors.js'
import type { Piece } from '../../packing/messages.js'
import { type Copy, stateFile } from './copy.js'
import type { Draft } from './drafts.js'
import { readIndex } from './index-file.js'
import type { KeptPlace } from './kept-content.js'

/** Which of these hashes have to be sent. */
export type FindMissing = (hashes: readonly string[]) => Promise<ReadonlySet<string>>

/** A version that is sent again, as far as it was lost. */
export interface Restored {
  readonly version: number
  /** Paths of files that are others here by now, or gone. */
  readonly changed: ReadonlySet<string>
}

/** Hashes that are asked for at once: the first ones alone, so that there is soon something to send. */
const FIRST = 512
const BATCH = 4_096

/** A piece, or the file of a chunk that is nowhere any more. */
type Wanted = Piece | { readonly sha256: string; readonly goneFrom: string }

/**
 * What a push of a draft has to send, each with where its bytes are: nodes from here, chunks from what was kept of
 * files when they were added, or from the files that have them. Some come more than once.
 * @throws MlforgeError file_changed for a draft of an earlier release, which kept nothing, when a file was added with
 *   other bytes since: which cannot be sent any more; for a version that is sent again likewise
 */
export async function* piecesOf(
  copy: Copy,
  draft: Pick<Draft, 'id' | 'manifest'>,
  findMissing: FindMissing,
  restored?: Restored,
): AsyncGenerator<Piece> {
  const problems: Problem[] = []
  for await (const batch of batches(wantedBy(copy, draft.manifest, restored?.changed))) {
    const missing = await findMissing(batch.map(({ sha256 }) => sha256))
    for (const wanted of batch) {
      if (!missing.has(wanted.sha256)) continue
      if ('from' in wanted) yield wanted
      else if (problems.at(-1)?.at !== wanted.goneFrom) {
        problems.push({ at: wanted.goneFrom, message: 'It was added with other content since the commit.' })
      }
    }
  }
  if (problems.length === 0) return
  const some = problems.slice(0, 10).map(({ at }) => `"${at}"`)
  const names = `${some.join(', ')}${problems.length > some.length ? ' and others' : ''}`
  const message = restored
    ? `The store has lost content of version ${restored.version} that is not here any more: ${names}. Put it back, or send it from where the version is checked out unchanged. What else was lost is sent.`
    : `${problems.length} files have not the content any more that commit ${draft.id.slice(0, 12)} recorded: ${names}. Put it back, or commit again.`
  throw new MlforgeError('file_changed', message, { problems })
}

async function* wantedBy(
  copy: Copy,
  manifest: string,
  changed: ReadonlySet<string> = new Set(),
): AsyncGenerator<Wanted> {
  yield* nodesBelow(copy, manifest)
  // By their content, since a file may have been renamed.
  const places = new Map<string | null, KeptPlace>()
  for (const entry of readIndex(stateFile(copy.root, 'index.json')).values()) {
    if (changed.has(entry.path)) continue
    places.set(rootHash(entry.content), { file: join(copy.root, entry.path), offset: 0 })
  }
  let filesBefore = 0
  for await (const file of filesOf(copy.nodes.load, manifest)) {
    const place = (file.content && copy.kept.find(file.content)) ?? places.get(rootHash(file.content))
    const list = listOf(file.content)
    if (list !== null) {
      for await (const node of nodesBelow(copy, list)) yield { ...node, filesBefore }
    }
    let offset = 0
    for await (const { bytes, chunk } of chunks(copy, file)) {
      const at = copy.kept.findChunk(chunk) ?? (place && { ...place, offset: place.offset + offset })
      yield at ? { sha256: chunk, bytes, from: at, filesBefore } : { sha256: chunk, goneFrom: file.path }
      offset += bytes
    }
    filesBefore++
  }
}

async function* chunks(copy: Copy, file: FileEntry): ReturnType<typeof chunksOf> {
  const list = listOf(file.content)
  // One that is not kept here belongs to a file that came from the store as it is, with its chunks.
  if (list !== null && !copy.nodes.has(list)) return
  yield* chunksOf(copy.nodes.load, file)
}

async function* nodesBelow(copy: Copy, sha256: string): AsyncGenerator<Piece> {
  if (!copy.nodes.has(sha256)) return
  const content = await copy.nodes.load(sha256)
  yield { sha256, bytes: content.length, from: { content } }
  const node = decodeNode(content)
  if (node.kind !== 'tree' && node.kind !== 'lists') return
  for (const { node: below } of node.entries) yield* nodesBelow(copy, below)
}

async function* batches<T>(items: AsyncIterable<T>): AsyncGenerator<T[]> {
  let batch: T[] = []
  let size = FIRST
  for await (const item of items) {
    batch.push(item)
    if (batch.length < size) continue
    yield batch
    batch = []
    size = BATCH
  }
  if (batch.length > 0) yield batch
}
