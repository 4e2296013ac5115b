import { hash } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readdirSync, readSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import {
  FOOTER_BYTES,
  indexOffset,
  type PackEntry,
  packHeader,
  packTrailer,
  readPackIndex,
} from '../../domain/data/pack.js'
import { MlforgeError } from '../../domain/errors.js'
import { readChunk, sha256Of } from '../../packing/read-chunk.js'
import { writeWhole } from './state.js'

/** Nodes that have come together are written when they have so many bytes. */
const FLUSH_BYTES = 16 * 1024 * 1024
/** So many small packs become one. */
const MOST_SMALL_PACKS = 64
const SMALL_PACK_BYTES = 1024 * 1024

/** Names a node that is not kept. */
export function nodeHash(node: Uint8Array): string {
  return hash('sha256', node, 'hex')
}

interface Place {
  readonly file: string
  readonly entry: PackEntry
}

/**
 * The nodes that are kept in a working copy: manifests of versions and drafts, and lists of chunks. Those of one
 * command are one file, a pack like those of the store, so that it is made safe at once.
 */
export class LocalNodes {
  private readonly waiting = new Map<string, Uint8Array>()
  private waitingBytes = 0
  private places: Map<string, Place> | null = null

  constructor(private readonly directory: string) {}

  has(sha256: string): boolean {
    return this.waiting.has(sha256) || this.stored().has(sha256)
  }

  /** Takes a node, which is safe once `flush` has returned. */
  readonly keep = (node: Uint8Array): string => {
    const sha256 = nodeHash(node)
    this.keepAs(sha256, node)
    return sha256
  }

  /** The same of one whose hash is known to be this. */
  keepAs(sha256: string, node: Uint8Array): void {
    if (this.has(sha256)) return
    this.waiting.set(sha256, node)
    this.waitingBytes += node.length
  }

  /** @throws MlforgeError object_missing, object_corrupt */
  readonly load = async (sha256: string): Promise<Uint8Array> => {
    await Promise.resolve()
    // What is not where it was may have been written, or put elsewhere, by another process.
    const node = this.find(sha256) ?? (this.refresh(), this.find(sha256))
    if (node) return node
    throw new MlforgeError(
      'object_missing',
      `Node ${sha256} is not in "${this.directory}". Check out the version again.`,
      { sha256 },
    )
  }

  /** Where a node lies as it is, once it was flushed; null for one that is not here. */
  placeOf(sha256: string): { readonly file: string; readonly offset: number } | null {
    const place = this.stored().get(sha256)
    return place ? { file: place.file, offset: place.entry.offset } : null
  }

  /** Another process may have written since. */
  refresh(): void {
    this.places = null
  }

  flush(): void {
    if (this.waitingBytes === 0) return
    const small = this.smallPacks()
    if (small.length >= MOST_SMALL_PACKS) {
      for (const sha256 of this.stored().keys()) {
        const place = this.stored().get(sha256)!
        if (small.includes(place.file)) this.waiting.set(sha256, this.find(sha256)!)
      }
    }
    while (this.waiting.size > 0) this.writePack()
    if (small.length < MOST_SMALL_PACKS) return
    const used = new Set([...this.stored().values()].map(({ file }) => file))
    for (const file of small) if (!used.has(file)) rmSync(file, { force: true })
  }

  /** Writes what waits where it is much. */
  flushMuch(): void {
    if (this.waitingBytes >= FLUSH_BYTES) this.flush()
  }

  private writePack(): void {
    const parts: Uint8Array[] = [packHeader()]
    const entries: PackEntry[] = []
    let offset = parts[0]!.length
    for (const [sha256, node] of this.waiting) {
      parts.push(node)
      entries.push({ sha256, offset, stored: node.length, bytes: node.length, codec: 'none' })
      offset += node.length
      if (offset >= FLUSH_BYTES) break
    }
    const content = Buffer.concat([...parts, packTrailer(entries, sha256Of)])
    const file = join(this.directory, `${hash('sha256', content, 'hex')}.pack`)
    mkdirSync(this.directory, { recursive: true })
    writeWhole(file, content)
    const stored = this.stored()
    for (const entry of entries) {
      stored.set(entry.sha256, { file, entry })
      this.waiting.delete(entry.sha256)
    }
    this.waitingBytes = [...this.waiting.values()].reduce((sum, { length }) => sum + length, 0)
  }

  private find(sha256: string): Uint8Array | null {
    const waiting = this.waiting.get(sha256)
    if (waiting) return waiting
    const place = this.stored().get(sha256)
    if (!place) return null
    try {
      return readChunk(bytesOf(place.file, place.entry.offset, place.entry.stored), place.entry)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
  }

  private smallPacks(): string[] {
    return packsIn(this.directory).filter(file => statSync(file).size < SMALL_PACK_BYTES)
  }

  private stored(): Map<string, Place> {
    if (this.places) return this.places
    const places = new Map<string, Place>()
    for (const file of packsIn(this.directory)) {
      for (const entry of indexOf(file)) places.set(entry.sha256, { file, entry })
    }
    this.places = places
    return places
  }
}

function packsIn(directory: string): string[] {
  try {
    const names = readdirSync(directory).filter(name => name.endsWith('.pack') && !name.startsWith('.'))
    return names.map(name => join(directory, name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function indexOf(file: string): PackEntry[] {
  const size = statSync(file).size
  const footer = bytesOf(file, Math.max(0, size - FOOTER_BYTES), FOOTER_BYTES)
  const offset = indexOffset(footer, size)
  return readPackIndex(bytesOf(file, offset, size - offset), size, sha256Of)
}

function bytesOf(file: string, from: number, bytes: number): Uint8Array {
  const content = new Uint8Array(bytes)
  const fd = openSync(file, 'r')
  try {
    return content.subarray(0, readSync(fd, content, 0, bytes, from))
  } finally {
    closeSync(fd)
  }
}
