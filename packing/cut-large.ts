import type { ChunkEntry } from '../domain/data/nodes.js'
import type { FileStat, Jobs, Range } from './messages.js'
import { ordered } from './ordered.js'

/** Part of a large file that one thread cuts at once. */
export const SEGMENT_BYTES = 8 * 1024 * 1024

/** Has a thread cut a range; those that others wait for come first. */
export type CutRange = (range: Range, first: boolean) => Promise<Jobs['range']['reply']>

interface Segment {
  readonly from: number
  readonly until: number
}

/**
 * Cuts a large file by many threads. Each segment is cut as if a chunk began with it. Where the chunks before
 * it end elsewhere, the file is cut on from there until both have a cut in the same place, which they soon have,
 * and from which on they are the same: so the chunks are those of the file cut from its beginning.
 * @param threads with one, segments begin where the last one ended, and nothing is cut twice
 * @param onBytes gets the bytes of each part that is done
 */
export async function cutLarge(
  file: string,
  stat: FileStat,
  threads: number,
  cut: CutRange,
  onBytes: (bytes: number) => void,
): Promise<ChunkEntry[]> {
  const chunks: ChunkEntry[] = []
  let at = 0
  const take = (part: readonly ChunkEntry[]): void => {
    const before = at
    for (const chunk of part) {
      chunks.push(chunk)
      at += chunk.bytes
    }
    onBytes(at - before)
  }
  if (threads === 1) {
    while (at < stat.size) {
      const until = Math.min(stat.size, at + SEGMENT_BYTES)
      take((await cut({ file, stat, from: at, until, known: [] }, false)).chunks)
    }
    return chunks
  }
  const segments = ordered(
    segmentsOf(stat.size),
    threads + 1,
    async ({ from, until }) => ({
      from,
      until,
      ...(await cut({ file, stat, from, until, known: [] }, false)),
    }),
    () => undefined,
  )
  for await (const { from, until, chunks: found } of segments) {
    const starts = startsOf(from, found)
    if (at < until && !starts.has(at)) {
      take((await cut({ file, stat, from: at, until, known: [...starts.keys()] }, true)).chunks)
    }
    const next = starts.get(at)
    if (next !== undefined) take(found.slice(next))
  }
  return chunks
}

function* segmentsOf(size: number): Generator<Segment> {
  for (let from = 0; from < size; from += SEGMENT_BYTES) {
    yield { from, until: Math.min(size, from + SEGMENT_BYTES) }
  }
}

/** Position in the file -> number of the chunk that begins there. */
function startsOf(from: number, chunks: readonly ChunkEntry[]): Map<number, number> {
  const starts = new Map<number, number>()
  let at = from
  chunks.forEach(({ bytes }, i) => {
    starts.set(at, i)
    at += bytes
  })
  return starts
}
