import { hash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Chunker } from '../../domain/data/chunker.js'
import type { ChunkEntry } from '../../domain/data/nodes.js'
import type { Piece, ScannedFile, StoredPack } from '../../packing/messages.js'

/** A directory for a test file. */
export function directory(): { path: (name: string) => string; remove: () => void } {
  const root = mkdtempSync(join(tmpdir(), 'mlforge-packing-'))
  return { path: name => join(root, name), remove: () => rmSync(root, { recursive: true, force: true }) }
}

/** The chunks of bytes that are cut from the first to the last. */
export function chunksOf(bytes: Uint8Array): ChunkEntry[] {
  const chunks: ChunkEntry[] = []
  const chunker = new Chunker(chunk =>
    chunks.push({ bytes: chunk.length, chunk: hash('sha256', chunk, 'hex') }),
  )
  chunker.push(bytes)
  chunker.finish()
  return chunks
}

export function piecesOf({ file, chunks }: Pick<ScannedFile, 'file' | 'chunks'>): Piece[] {
  let offset = 0
  return chunks.map(({ bytes, chunk }) => {
    const piece = { sha256: chunk, bytes, from: { file, offset } }
    offset += bytes
    return piece
  })
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** A pack that is read from memory. */
export function stored(content: Uint8Array): StoredPack {
  return { bytes: content.length, read: async into => into.set(content) }
}
