import { FOOTER_BYTES, indexOffset, readPackIndex } from '../../domain/data/pack.js'
import { readChunk, sha256Of } from '../../packing/read-chunk.js'
import type { Rest } from '../rest.js'
import { datasetPath } from './paths.js'
import type { ChunkSource } from './fetch-nodes.js'

/** Chunks that are asked for at once: 16 MiB of them as a rule, 64 at most. */
const BATCH = 256

/** Chunks from a server, as packs of them; the next ones come while the last are worked on. */
export function remoteChunks(rest: Rest, dataset: string): ChunkSource {
  const path = `${datasetPath(dataset)}/chunks`
  return {
    async *load(hashes) {
      const ask = (from: number) =>
        from < hashes.length ? rest.postForBytes(path, { chunks: hashes.slice(from, from + BATCH) }) : null
      let next = ask(0)
      for (let from = BATCH; next !== null; from += BATCH) {
        const pack: Uint8Array = await next
        next = ask(from)
        // Whoever stops before the end waits for nothing.
        next?.catch(() => undefined)
        const index = indexOffset(pack.subarray(Math.max(0, pack.length - FOOTER_BYTES)), pack.length)
        for (const entry of readPackIndex(pack.subarray(index), pack.length, sha256Of)) {
          const stored = pack.subarray(entry.offset, entry.offset + entry.stored)
          yield { sha256: entry.sha256, content: readChunk(stored, entry) }
        }
      }
    },
  }
}
