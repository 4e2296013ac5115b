import type { ReadChunks } from '../../contracts/rest/data.js'
import { MAX_CHUNK } from '../../domain/data/chunker.js'
import { FOOTER_BYTES, indexOffset, type PackEntry, readPackIndex } from '../../domain/data/pack.js'
import { MlforgeError } from '../../domain/errors.js'
import { sha256Of, unpackChunk } from '../../packing/read-chunk.js'
import { Refused, type Rest } from '../rest.js'
import type { ChunkSource } from './fetch-nodes.js'
import { datasetPath } from './paths.js'

/** What is asked for at once. */
const BATCH_BYTES = 16 * 1024 * 1024
const BATCH_CHUNKS = 4_096
/** Of damaged ones so many that the answer says which of them are whole nowhere. */
const WHOLE_CHUNKS = 64
/** Memory of a batch, with what a pack has beside its chunks. */
const ROOM_BYTES = BATCH_BYTES + 1024 * 1024

/** Chunks from a server, as packs of them; the next ones come while the last are worked on. Who asks verifies them. */
export function remoteChunks(rest: Rest, dataset: string): ChunkSource {
  const path = `${datasetPath(dataset)}/chunks`
  // They stay: memory that comes and goes has to be emptied first, and collected.
  const rooms: Uint8Array[] = []
  const loader = (most: number, more: Omit<ReadChunks, 'chunks'>): ChunkSource['load'] =>
    async function* (hashes, sizeOf = () => MAX_CHUNK) {
      let at = 0
      const ask = () => {
        const chunks: string[] = []
        for (let bytes = 0; at < hashes.length && chunks.length < most; at++) {
          bytes += sizeOf(hashes[at]!)
          if (chunks.length > 0 && bytes > BATCH_BYTES) break
          chunks.push(hashes[at]!)
        }
        if (chunks.length === 0) return null
        const room = rooms.pop() ?? new Uint8Array(ROOM_BYTES)
        const answer = rest.postForBytes(path, { chunks, ...more }, room).catch(asDamage)
        // Whoever stops before the end waits for nothing.
        answer.catch(() => undefined)
        return { answer, room }
      }
      for (let next = ask(); next !== null;) {
        const { answer, room }: NonNullable<ReturnType<typeof ask>> = next
        next = ask()
        const pack = await answer
        const index = indexOffset(pack.subarray(Math.max(0, pack.length - FOOTER_BYTES)), pack.length)
        for (const entry of readPackIndex(pack.subarray(index), pack.length, sha256Of)) {
          const stored = pack.subarray(entry.offset, entry.offset + entry.stored)
          yield { sha256: entry.sha256, content: unpacked(stored, entry) }
        }
        rooms.push(room)
      }
    }
  return { load: loader(BATCH_CHUNKS, {}), loadWhole: loader(WHOLE_CHUNKS, { whole: true }) }
}

/** What the server cannot give is said as who looks at chunks says it. */
function asDamage(error: unknown): never {
  if (error instanceof Refused) {
    const { code, detail } = error.problem
    if (code === 'object_corrupt' || code === 'object_missing') throw new MlforgeError(code, detail)
  }
  throw error
}

/** What cannot be unpacked is damaged like what has another hash, which is for who asks to see. */
function unpacked(stored: Uint8Array, entry: PackEntry): Uint8Array {
  try {
    return unpackChunk(stored, entry)
  } catch {
    return new Uint8Array(0)
  }
}
