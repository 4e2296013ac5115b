import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Pack } from '../../../packing/messages.js'
import { Packing } from '../../../packing/packing.js'
import { readChunk } from '../../../packing/read-chunk.js'
import type { ChunkSource } from '../../../sdk/data/fetch-nodes.js'
import type { WorkingCopy } from '../../../sdk/data/working-copy.js'

/** Path -> content in hex, with `*` behind it where it may be executed. */
export type Tree = Record<string, string>

export function temporary(): { path: (name: string) => string; remove: () => void } {
  const root = mkdtempSync(join(tmpdir(), 'mlforge-copy-'))
  let made = 0
  return {
    path: name => join(root, `${name}-${made++}`),
    remove: () => rmSync(root, { recursive: true, force: true }),
  }
}

export function put(root: string, path: string, content: string | Uint8Array, isExecutable = false): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), content)
  chmodSync(join(root, path), isExecutable ? 0o755 : 0o644)
}

/** All files but the state. */
export function treeOf(root: string, base = ''): Tree {
  const tree: Tree = {}
  for (const entry of readdirSync(join(root, base), { withFileTypes: true })) {
    const path = base + entry.name
    if (entry.name === '.mlforge-data') continue
    if (entry.isDirectory()) {
      const below = treeOf(root, `${path}/`)
      // An empty directory is none of a version.
      if (Object.keys(below).length === 0) tree[`${path}/`] = ''
      Object.assign(tree, below)
    } else if (entry.isFile()) {
      const { mode } = lstatSync(join(root, path))
      tree[path] = readFileSync(join(root, path)).toString('hex') + (mode & 0o100 ? '*' : '')
    } else tree[path] = 'no file'
  }
  return tree
}

/** What pushes have sent: packs, and where each chunk is in them. */
export class Remote implements ChunkSource {
  private readonly packing = new Packing({ threads: 1 })
  readonly chunks = new Map<string, Uint8Array>()
  readonly packs: Pack[] = []
  /** Bytes that were asked for. */
  loaded = 0

  async push(copy: WorkingCopy, version: number): Promise<{ manifest: string; sent: number }> {
    const [draft] = copy.drafts()
    const pieces = copy.pieces(draft!, hashes =>
      Promise.resolve(new Set(hashes.filter(each => !this.chunks.has(each)))),
    )
    let sent = 0
    for await (const pack of this.packing.packs(pieces)) {
      this.packs.push(pack)
      sent += pack.content.length
      for (const entry of pack.chunks) {
        const stored = pack.content.subarray(entry.offset, entry.offset + entry.stored)
        this.chunks.set(entry.sha256, readChunk(stored, entry))
      }
    }
    await copy.pushed(draft!.id, version)
    return { manifest: draft!.manifest, sent }
  }

  async *load(hashes: readonly string[]): AsyncGenerator<{ sha256: string; content: Uint8Array }> {
    // Backwards, as any order is allowed.
    for (const sha256 of hashes.toReversed()) {
      await Promise.resolve()
      const content = this.chunks.get(sha256)
      if (!content) continue
      this.loaded += content.length
      yield { sha256, content }
    }
  }

  close(): Promise<void> {
    return this.packing.close()
  }
}

export const commit = (copy: WorkingCopy, message = 'a change') =>
  copy.commit({ message, author: 'ada', at: new Date('2026-11-29T07:00:00Z') })
