import { setMaxListeners } from 'node:events'
import { availableParallelism } from 'node:os'
import { MAX_PIECE_BYTES, type PackEntry } from '../domain/data/pack.js'
import { cutLarge } from './cut-large.js'
import { ROOM_BYTES } from './make-pack.js'
import type { Pack, PackOfFiles, Piece, ScannedFile, StoredPack } from './messages.js'
import { ordered } from './ordered.js'
import { Threads } from './threads.js'

/** Bytes of chunks after which a pack is closed. */
export const PACK_BYTES = 16 * 1024 * 1024

/** Each takes some 12 MiB: with those of packs, and what else there is, a client stays below 300. */
const MOST_THREADS = 8
/** Packs of PACK_BYTES that are in memory, on their way or waiting. */
const MOST_PACKS = 4
/** Files of one message to a thread, and chunks of one pack. */
const BATCH_FILES = 64
const MOST_PIECES = 32_768

export interface ScanOptions {
  readonly signal?: AbortSignal
  /** Gets the bytes that have been read of all files so far. */
  readonly onProgress?: (bytes: number) => void
  /** Files of one chunk come with their bytes, so that who keeps them need not read them again. */
  readonly withContent?: boolean
}

/**
 * Cuts, hashes, compresses and checks the bytes of datasets in threads, off the event loop. Threads start with
 * the first work, stay for more, and do not keep the process alive.
 */
export class Packing {
  private readonly threads: Threads
  /** Memory of packs that nobody needs any more. */
  private readonly rooms: ArrayBuffer[] = []
  /** Memory that packs are verified in. Threads see it as it is: handing it to and fro counts as making it anew. */
  private readonly shared: SharedArrayBuffer[] = []

  constructor({
    threads = Math.min(MOST_THREADS, availableParallelism()),
  }: { readonly threads?: number } = {}) {
    this.threads = new Threads(threads)
  }

  /**
   * Reads files and cuts them into chunks. What is in memory is bounded, but for the chunks of a file (some
   * 100 bytes for 64 KiB).
   * @returns the files in the order in which they came
   * @throws MlforgeError file_changed for a file that changes meanwhile; not_found, forbidden, invalid_request
   *   and unavailable for one that cannot be read, with its path; the reason of an abort
   */
  async *scan(
    files: readonly string[] | AsyncIterable<string>,
    { signal, onProgress, withContent = false }: ScanOptions = {},
  ): AsyncGenerator<ScannedFile> {
    const { either, stop } = stoppable(signal)
    let total = 0
    const progress = (bytes: number): void => onProgress?.((total += bytes))
    const batches = ordered(
      grouped(files, group => group.length === BATCH_FILES),
      this.threads.count + 2,
      batch => this.scanBatch(batch, withContent, either, progress),
      stop,
    )
    for await (const batch of batches) yield* batch
  }

  /**
   * Packs pieces in their order, each hash once. Packs hold about PACK_BYTES of chunks; of them at most as many
   * as there are threads, and MOST_PACKS, are in memory, with the one that the caller has.
   * @throws MlforgeError file_changed where a file has not the bytes any more that it was cut into; as `scan`
   */
  async *packs(
    pieces: AsyncIterable<Piece> | Iterable<Piece>,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<PackOfFiles> {
    const { either, stop } = stoppable(signal)
    let bytes = 0
    const isFull = (group: readonly Piece[]): boolean => {
      bytes = group.length === 1 ? group[0]!.bytes : bytes + group.at(-1)!.bytes
      return bytes >= PACK_BYTES || group.length === MOST_PIECES
    }
    yield* ordered(
      grouped(eachOnce(pieces), isFull),
      Math.min(this.threads.count, MOST_PACKS),
      async group => {
        const room = this.rooms.pop()
        const pack = await this.threads.run('pack', { pieces: group, ...(room && { room }) }, either)
        return { ...pack, files: group.at(-1)!.filesBefore ?? 0 }
      },
      stop,
    )
  }

  /** Makes another pack in the memory of one that nobody needs any more: collected, it would wait for that in numbers. */
  reuse({ content }: Pick<Pack, 'content'>): void {
    const room = content.buffer as ArrayBuffer
    if (room.byteLength >= ROOM_BYTES && this.rooms.length < MOST_PACKS) this.rooms.push(room)
  }

  /**
   * Checks a pack from its first byte to its last.
   * @param pack the file that has its bytes, or what reads them
   * @returns its chunks, by hash
   * @throws MlforgeError object_corrupt, unsupported_format; for a file as `scan`
   */
  async verify(
    pack: StoredPack | string,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<readonly PackEntry[]> {
    if (typeof pack === 'string') return this.threads.run('verify', { file: pack }, signal)
    const { bytes } = pack
    const kept = bytes <= ROOM_BYTES ? this.shared.pop() : undefined
    const room = kept ?? new SharedArrayBuffer(Math.max(bytes, ROOM_BYTES))
    const content = new Uint8Array(room, 0, bytes)
    await pack.read(content)
    const chunks = await this.threads.run('verify', { content }, signal)
    // Not where it failed or was given up: a thread may look at it still.
    if (this.shared.length < MOST_PACKS) this.shared.push(room)
    return chunks
  }

  /** Ends the threads. What they work on fails with wrong_state, as does what comes later. */
  close(): Promise<void> {
    return this.threads.close()
  }

  private async scanBatch(
    files: readonly string[],
    withContent: boolean,
    signal: AbortSignal,
    progress: (bytes: number) => void,
  ): Promise<ScannedFile[]> {
    const all: ScannedFile[] = []
    while (all.length < files.length) {
      const request = { files: files.slice(all.length), withContent }
      const { scanned, large } = await this.threads.run('scan', request, signal)
      for (const file of scanned) all.push(file)
      progress(scanned.reduce((sum, { bytes }) => sum + bytes, 0))
      if (!large) continue
      const file = files[all.length]!
      const chunks = await cutLarge(
        file,
        large,
        this.threads.count,
        (range, first) => this.threads.run('range', range, signal, first),
        progress,
      )
      all.push({ file, bytes: large.size, chunks, stat: large })
    }
    return all
  }
}

/** A signal that ends with another one, or when nothing more is wanted. */
function stoppable(signal: AbortSignal | undefined): { either: AbortSignal; stop: () => void } {
  const controller = new AbortController()
  const either = signal ? AbortSignal.any([signal, controller.signal]) : controller.signal
  // Each job listens.
  setMaxListeners(0, either)
  return {
    either,
    stop: () => controller.abort(),
  }
}

async function* grouped<T>(
  items: AsyncIterable<T> | Iterable<T>,
  isFull: (group: readonly T[]) => boolean,
): AsyncGenerator<T[]> {
  let group: T[] = []
  for await (const item of items) {
    group.push(item)
    if (!isFull(group)) continue
    yield group
    group = []
  }
  if (group.length > 0) yield group
}

async function* eachOnce(pieces: AsyncIterable<Piece> | Iterable<Piece>): AsyncGenerator<Piece> {
  const seen = new Set<string>()
  for await (const piece of pieces) {
    if (piece.bytes > MAX_PIECE_BYTES) throw new RangeError(`${piece.sha256} is too large for a chunk.`)
    if (seen.has(piece.sha256)) continue
    seen.add(piece.sha256)
    yield piece
  }
}
