import { hash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { chunksOf } from '../../domain/data/walk.js'
import type { Copy } from './copy.js'
import type { IndexEntry } from './index-file.js'

interface Place {
  readonly file: string
  readonly offset: number
  readonly bytes: number
}

/** Chunks of files that a checkout is about to replace, so that only what differs has to come. */
export class LocalChunks {
  private constructor(private readonly places: ReadonlyMap<string, Place>) {}

  static async of(copy: Copy, entries: readonly IndexEntry[]): Promise<LocalChunks> {
    const places = new Map<string, Place>()
    for (const entry of entries) {
      const { content } = entry
      if (content === null || ('list' in content && !copy.nodes.has(content.list))) continue
      let offset = 0
      for await (const { chunk, bytes } of chunksOf(copy.nodes.load, entry)) {
        places.set(chunk, { file: join(copy.root, entry.path), offset, bytes })
        offset += bytes
      }
    }
    return new LocalChunks(places)
  }

  /** Null where it is not here, or not any more. */
  read(sha256: string): Uint8Array | null {
    const place = this.places.get(sha256)
    if (!place) return null
    try {
      const content = new Uint8Array(place.bytes)
      const fd = openSync(place.file, 'r')
      try {
        readSync(fd, content, 0, place.bytes, place.offset)
      } finally {
        closeSync(fd)
      }
      return hash('sha256', content, 'hex') === sha256 ? content : null
    } catch {
      return null
    }
  }
}
