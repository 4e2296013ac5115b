import { type PackEntry, packHeader, packTrailer, trailerBytes } from '../../domain/data/pack.js'
import { chunksOf, type LoadNode } from '../../domain/data/walk.js'
import type { FileEntry } from '../../domain/data/nodes.js'
import { MlforgeError } from '../../domain/errors.js'
import { readChunk, sha256Of } from '../../packing/read-chunk.js'
import { objectUri } from '../objects/object-uri.js'
import type { ObjectStore } from '../objects/object-store.js'
import { isDamage } from '../objects/verified.js'
import type { Located, PackCatalogue } from '../postgres/pack-catalogue.js'

export interface Chunk {
  readonly sha256: string
  readonly content: Uint8Array
}

/** Chunks that are read with one request, and what may lie between them unwanted. */
const RANGE_BYTES = 4 * 1024 * 1024
const GAP_BYTES = 64 * 1024
/** Chunks of a file that are in memory at the same time: 4 MiB of them as a rule, 16 at most. */
const BATCH = 64
/** Nodes that were read before they are asked for. */
const MOST_AHEAD = 4 * BATCH
/** Memory of that size that waits for the next reader. */
const MOST_ROOMS = 4

type ReadOptions = { readonly signal?: AbortSignal }

/** Reads chunks out of packs, each verified; one that is damaged is read from another pack that has it. */
export class PackStore {
  private readonly rooms: Uint8Array[] = []

  constructor(
    private readonly objects: ObjectStore,
    private readonly catalogue: PackCatalogue,
  ) {}

  /** One chunk or node. @throws MlforgeError object_missing, object_corrupt */
  async load(project: string, sha256: string): Promise<Uint8Array> {
    const [chunk] = await this.read(project, [sha256])
    return chunk!.content
  }

  /** Loads nodes for one walk, each with some of those that follow it: a walk is not a request for each. */
  walk(project: string): LoadNode {
    const ahead = new Map<string, Uint8Array>()
    return async (sha256, next = []) => {
      const read = ahead.get(sha256)
      ahead.delete(sha256)
      if (read) return read
      if (next.length === 0) return this.load(project, sha256)
      const some = [sha256, ...next.slice(0, BATCH - 1)]
      // Where one of those behind it is damaged, that is for whoever comes to it.
      const found = await this.read(project, some).catch((error: unknown) =>
        isDamage(error) ? null : Promise.reject(error as Error),
      )
      if (found === null) return this.load(project, sha256)
      for (const { sha256: each, content } of found.slice(1)) ahead.set(each, content)
      for (const each of ahead.keys()) {
        if (ahead.size <= MOST_AHEAD) break
        ahead.delete(each)
      }
      return found[0]!.content
    }
  }

  /**
   * Chunks in the order in which they are asked for. They are in memory together.
   * @throws MlforgeError object_missing, object_corrupt
   */
  async read(project: string, chunks: readonly string[], options: ReadOptions = {}): Promise<Chunk[]> {
    const found = await this.catalogue.locate(project, chunks)
    const contents = new Map<string, Uint8Array>()
    const wanted = [...new Set(chunks)].map(sha256 => found.get(sha256)?.[0] ?? missing(sha256))
    for (const range of rangesOf(wanted)) {
      const stored = await this.objects
        .range(objectUri(project, range.pack, 'packs'), range.from, range.to - range.from, options)
        .catch((error: unknown) => (isDamage(error) ? null : Promise.reject(error as Error)))
      for (const entry of range.entries) {
        const from = entry.offset - range.from
        const content = verified(stored?.subarray(from, from + entry.stored), entry)
        contents.set(entry.sha256, content ?? (await this.elsewhere(project, entry, options)))
      }
    }
    return chunks.map(sha256 => ({ sha256, content: contents.get(sha256)! }))
  }

  /** The bytes of a file. */
  async *file(
    project: string,
    file: Pick<FileEntry, 'bytes' | 'content'>,
    options: ReadOptions = {},
  ): AsyncGenerator<Uint8Array> {
    let batch: string[] = []
    for await (const { chunk } of chunksOf(this.walk(project), file)) {
      batch.push(chunk)
      if (batch.length < BATCH) continue
      for (const { content } of await this.read(project, batch, options)) yield content
      batch = []
    }
    for (const { content } of await this.read(project, batch, options)) yield content
  }

  /**
   * Chunks as one pack, as they are stored and not verified: whoever gets them does that, and asks for those that are
   * damaged once more, whole.
   * @returns its bytes, and its parts, each of which holds until the next is asked for
   * @throws MlforgeError object_missing where one of them is in no pack
   */
  async asPack(
    project: string,
    chunks: readonly string[],
  ): Promise<{ readonly bytes: number; readonly parts: AsyncIterable<Uint8Array> }> {
    const wanted = [...new Set(chunks)]
    const found = await this.catalogue.locate(project, wanted)
    // Those that follow one another in their pack, in one piece.
    const ranges = rangesOf(
      wanted.map(sha256 => found.get(sha256)?.[0] ?? missing(sha256)),
      0,
    )
    const header = packHeader()
    const content = ranges.reduce((sum, { from, to }) => sum + to - from, header.length)
    return { bytes: content + trailerBytes(wanted.length), parts: this.partsOf(project, header, ranges) }
  }

  /**
   * The same of chunks that are verified, each read from another pack where it is damaged.
   * @throws MlforgeError object_missing, object_corrupt, of the first 64 at once
   */
  async asWholePack(
    project: string,
    chunks: readonly string[],
  ): Promise<{ readonly bytes: number; readonly parts: AsyncIterable<Uint8Array> }> {
    const wanted = [...new Set(chunks)]
    const found = await this.catalogue.locate(project, wanted)
    const content = wanted.reduce((sum, sha256) => sum + (found.get(sha256)?.[0] ?? missing(sha256)).bytes, 0)
    const header = packHeader()
    const first = await this.read(project, wanted.slice(0, BATCH))
    return {
      bytes: header.length + content + trailerBytes(wanted.length),
      parts: this.wholeParts(project, header, first, wanted.slice(BATCH)),
    }
  }

  private async *wholeParts(
    project: string,
    header: Uint8Array,
    first: Chunk[],
    others: readonly string[],
  ): AsyncGenerator<Uint8Array> {
    const entries: PackEntry[] = []
    let offset = header.length
    yield header
    for (let at = 0, batch = first; batch.length > 0; at += BATCH) {
      for (const { sha256, content } of batch) {
        const { length } = content
        entries.push({ sha256, offset, stored: length, bytes: length, codec: 'none' })
        offset += length
        yield content
      }
      batch = await this.read(project, others.slice(at, at + BATCH))
    }
    yield packTrailer(entries, sha256Of)
  }

  private async *partsOf(
    project: string,
    header: Uint8Array,
    ranges: readonly Range[],
  ): AsyncGenerator<Uint8Array> {
    const entries: PackEntry[] = []
    let offset = header.length
    if (ranges.length === 0) yield header
    // One for all of them, and for others later: megabytes that come and go make the collector look at everything.
    const room = this.rooms.pop() ?? new Uint8Array(RANGE_BYTES)
    try {
      for (const { pack, from, to, entries: inside } of ranges) {
        const into = to - from > room.length ? new Uint8Array(to - from) : room.subarray(0, to - from)
        await this.objects
          .range(objectUri(project, pack, 'packs'), from, to - from, { into })
          .catch((error: unknown) => (isDamage(error) ? into.fill(0) : Promise.reject(error as Error)))
        // Not before: a store that does not answer is said instead of a first part.
        if (entries.length === 0) yield header
        for (const entry of inside) entries.push({ ...entry, offset: offset + entry.offset - from })
        offset += into.length
        yield into
      }
    } finally {
      if (this.rooms.length < MOST_ROOMS) this.rooms.push(room)
    }
    yield packTrailer(entries, sha256Of)
  }

  private async elsewhere(
    project: string,
    { sha256, pack }: Located,
    options: ReadOptions,
  ): Promise<Uint8Array> {
    // Looked up again: what was written into another pack meanwhile is there.
    const found = await this.catalogue.locate(project, [sha256])
    for (const copy of found.get(sha256) ?? []) {
      if (copy.pack === pack) continue
      const uri = objectUri(project, copy.pack, 'packs')
      const stored = await this.objects.range(uri, copy.offset, copy.stored, options).catch(() => undefined)
      const content = verified(stored, copy)
      if (content !== null) return content
    }
    throw new MlforgeError(
      'object_corrupt',
      `Chunk ${sha256} is damaged in pack ${pack}, and in no other pack. Where the file is checked out, mlforge data push --restore sends it again; or restore a backup.`,
      { chunk: sha256, pack },
    )
  }
}

interface Range {
  readonly pack: string
  readonly from: number
  to: number
  readonly entries: Located[]
}

/** What lies close together is read at once. */
function rangesOf(entries: readonly Located[], gap = GAP_BYTES): Range[] {
  const sorted = entries.toSorted(
    (a, b) => (a.pack < b.pack ? -1 : a.pack > b.pack ? 1 : 0) || a.offset - b.offset,
  )
  const ranges: Range[] = []
  for (const entry of sorted) {
    const last = ranges.at(-1)
    const end = entry.offset + entry.stored
    if (last?.pack === entry.pack && entry.offset - last.to <= gap && end - last.from <= RANGE_BYTES) {
      last.to = Math.max(last.to, end)
      last.entries.push(entry)
    } else {
      ranges.push({ pack: entry.pack, from: entry.offset, to: end, entries: [entry] })
    }
  }
  return ranges
}

function verified(stored: Uint8Array | undefined, entry: Located): Uint8Array | null {
  if (stored === undefined) return null
  try {
    return readChunk(stored, entry)
  } catch (error) {
    if (isDamage(error)) return null
    throw error
  }
}

function missing(sha256: string): never {
  throw new MlforgeError(
    'object_missing',
    `Chunk ${sha256} is in no pack. Where the file is checked out, mlforge data push --restore sends it again; or restore a backup.`,
    { chunk: sha256 },
  )
}
