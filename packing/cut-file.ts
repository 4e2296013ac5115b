import { hash } from 'node:crypto'
import { endOfChunk, MAX_CHUNK } from '../domain/data/chunker.js'
import type { ChunkEntry } from '../domain/data/nodes.js'
import type { Jobs, Range, ScannedFile } from './messages.js'
import { expectSame, type OpenFile, withFile } from './open-file.js'

/** A larger file is cut in ranges. */
const LARGE_BYTES = 16 * 1024 * 1024
/** Files of as much together are one answer. */
const ANSWER_BYTES = 4 * 1024 * 1024
const READ_BYTES = 1024 * 1024

const buffer = Buffer.allocUnsafeSlow(READ_BYTES + MAX_CHUNK)

/** Cuts whole files, as many of the first as one answer takes. */
export function scanFiles({ files, withContent }: Jobs['scan']['request']): Jobs['scan']['reply'] {
  const scanned: ScannedFile[] = []
  let bytes = 0
  for (const file of files) {
    const { large, found } = withFile(file, open => {
      const { stat } = open
      if (stat.size > LARGE_BYTES) return { large: stat, found: null }
      const { chunks } = cutRange(open, 0, stat.size, new Set())
      // What was read last, and is the whole file.
      const content =
        withContent && chunks.length === 1 ? { content: new Uint8Array(buffer.subarray(0, stat.size)) } : {}
      return { large: null, found: { file, bytes: stat.size, chunks, stat, ...content } }
    })
    if (large) return { scanned, large }
    scanned.push(found)
    bytes += found.bytes
    if (bytes >= ANSWER_BYTES) break
  }
  return { scanned, large: null }
}

/** Cuts part of a file as if a chunk began with it. */
export function cutPart({ file, stat, from, until, known }: Range): Jobs['range']['reply'] {
  return withFile(file, open => {
    expectSame(file, stat, open.stat)
    return cutRange(open, from, until, new Set(known))
  })
}

function cutRange(
  { read, stat }: OpenFile,
  from: number,
  until: number,
  known: ReadonlySet<number>,
): Jobs['range']['reply'] {
  const chunks: ChunkEntry[] = []
  const last = Math.min(stat.size, until + MAX_CHUNK)
  // Of the file, what is in the buffer; and where in it the next chunk begins.
  let base = from
  let filled = 0
  let at = 0
  while (base + at < until && !known.has(base + at)) {
    if (filled - at < MAX_CHUNK && base + filled < last) {
      buffer.copyWithin(0, at, filled)
      base += at
      filled -= at
      at = 0
      const more = Math.min(buffer.length - filled, last - base - filled)
      read(buffer.subarray(filled, filled + more), base + filled)
      filled += more
    }
    const end = endOfChunk(buffer, at, filled)
    chunks.push({ bytes: end - at, chunk: hash('sha256', buffer.subarray(at, end), 'hex') })
    at = end
  }
  return { chunks, end: base + at }
}
