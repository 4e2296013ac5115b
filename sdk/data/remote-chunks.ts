import { FOOTER_BYTES, indexOffset, readPackIndex } from '../../domain/data/pack.js'
import { sha256Of, unpackChunk } from '../../packing/read-chunk.js'
import type { Rest } from '../rest.js'
import { datasetPath } from './paths.js'
import type { ChunkSource } from './fetch-nodes.js'

/** Bytes of chunks that are asked for at once, as far as the size of those that came says. */
const BATCH_BYTES = 16 * 1024 * 1024
/** Chunks of the first batch: 16 MiB of them as a rule, 64 at most. */
const FIRST = 256
const MOST = 2_048
/** Memory of a batch, with what a pack has beside its chunks. */
const ROOM_BYTES = BATCH_BYTES + 1024 * 1024

/** Chunks from a server, as packs of them; the next ones come while the last are worked on. Who asks verifies them. */
export function remoteChunks(rest: Rest, dataset: string): ChunkSource {
  const path = `${datasetPath(dataset)}/chunks`
  let batch = FIRST
  return {
    async *load(hashes) {
      const rooms: Uint8Array[] = []
      if (hashes.length > batch) rooms.push(new Uint8Array(ROOM_BYTES), new Uint8Array(ROOM_BYTES))
      let at = 0
      const ask = () => {
        if (at >= hashes.length) return null
        const chunks = hashes.slice(at, (at += batch))
        const answer = rest.postForBytes(path, { chunks }, rooms.pop())
        // Whoever stops before the end waits for nothing.
        answer.catch(() => undefined)
        return { count: chunks.length, answer }
      }
      for (let next = ask(); next !== null;) {
        const { count, answer }: { count: number; answer: Promise<Uint8Array> } = next
        next = ask()
        const pack = await answer
        batch = Math.min(MOST, Math.max(FIRST, Math.floor((BATCH_BYTES / pack.length) * count)))
        const index = indexOffset(pack.subarray(Math.max(0, pack.length - FOOTER_BYTES)), pack.length)
        for (const entry of readPackIndex(pack.subarray(index), pack.length, sha256Of)) {
          const stored = pack.subarray(entry.offset, entry.offset + entry.stored)
          yield { sha256: entry.sha256, content: unpackChunk(stored, entry) }
        }
        if (pack.buffer.byteLength === ROOM_BYTES) rooms.push(new Uint8Array(pack.buffer))
      }
    },
  }
}
