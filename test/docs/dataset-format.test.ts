import { createHash } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { buildManifest, contentOf } from '../../domain/data/build.js'
import { Chunker } from '../../domain/data/chunker.js'
import {
  decodeCommit,
  decodeRef,
  decodeRefOrEnd,
  encodeCommit,
  encodeEnd,
  encodeRef,
} from '../../domain/data/commit.js'
import { decodeDefinition, encodeDefinition, type SuiteDefinition } from '../../domain/data/definitions.js'
import type { FileEntry } from '../../domain/data/nodes.js'
import { suiteContent } from '../../domain/expectations/suite-version.js'
import { makePack } from '../../packing/make-pack.js'
import { readChunk, verifyPack } from '../../packing/read-chunk.js'
import { vectorBytes } from '../domain/data/made-bytes.js'
import { NodeStore } from '../domain/data/node-store.js'
import { blocks, page } from './pages.js'

const { text } = page('docs/reference/dataset-format.md')
const vectors = text.slice(text.indexOf('\n## Test vectors'))
const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const linesOf = (language: string) =>
  blocks(vectors).flatMap(block => (block.language === language ? block.text.trimEnd().split('\n') : []))

const content = vectorBytes(1_000_000, 1)
const pieces: { sha256: string; bytes: number; from: { content: Uint8Array } }[] = []
const chunker = new Chunker(chunk => {
  // The memory of a chunk is used again.
  const own = Uint8Array.from(chunk)
  pieces.push({ sha256: sha256(own), bytes: own.length, from: { content: own } })
})
chunker.push(content)
chunker.finish()
const { keep } = new NodeStore()
const list = contentOf(
  pieces.map(({ sha256: chunk, bytes }) => ({ chunk, bytes })),
  keep,
) as { readonly list: string }
const files = (count: number): FileEntry[] =>
  Array.from({ length: count }, (_, i) => {
    const bytes = 1 + (i % 97)
    const path = `part-${i % 50}/image-${i}.png`
    return { path, bytes, isExecutable: bytes % 5 === 0, content: { chunk: sha256(`chunk ${bytes}`) } }
  })
const large: FileEntry = { path: 'C.bin', bytes: content.length, isExecutable: false, content: list }

/** What the table says, by the code. */
const COMPUTED: Readonly<Record<string, () => string>> = {
  'hash of C': () => sha256(content),
  'lengths of the chunks of C': () => pieces.map(({ bytes }) => bytes).join(' '),
  'pack of the chunks of C, in their order and as they are': () => makePack(pieces).sha256,
  'list of the chunks of C': () => list.list,
  'manifest of no files': () => buildManifest([], keep),
  'manifest of one file `C.bin` that is C, and may not be executed': () => buildManifest([large], keep),
  'manifest of F(3)': () => buildManifest(files(3), keep),
  'manifest of F(5000)': () => buildManifest(files(5000), keep),
}

/** A record that is read, with its members in another order, and written. */
const REWRITTEN: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  commit: bytes => encodeCommit(decodeCommit(bytes)),
  ref: bytes => encodeRef(decodeRef(bytes)),
  end: bytes => {
    const found = decodeRefOrEnd(bytes)
    if ('end' in found) return encodeEnd(found.end)
    throw new Error('this is no end')
  },
  suite: bytes => encodeDefinition(decodeDefinition(bytes)),
  'current-suite': bytes => encodeDefinition(decodeDefinition(bytes)),
  transformation: bytes => encodeDefinition(decodeDefinition(bytes)),
}

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, each]) => [key, reversed(each)]),
  )
}

describe('the test vectors of the dataset format', () => {
  it('of its table are what the code makes', () => {
    const rows = [...vectors.matchAll(/^\| (.+?) +\| (.+?) +\|$/gm)].map(([, what, is]) => [what!, is!])
    const said = rows.filter(([what]) => what !== 'what' && !what!.startsWith('--'))
    const computed = Object.entries(COMPUTED).map(([what, compute]) => [what, compute()])
    expect(said.map(([what, is]) => [what, is!.replaceAll('`', '')])).toEqual(computed)
    expect(vectors).not.toMatch(/[0-9a-f]…/)
  })

  it('have a pack that is read as they say', () => {
    const [hex, hash] = linesOf('hex')
    const pack = Buffer.from(hex!, 'hex')
    expect(sha256(pack)).toBe(hash)
    const chunks = verifyPack(pack).map(entry => {
      const stored = pack.subarray(entry.offset, entry.offset + entry.stored)
      return [entry.codec, Buffer.from(readChunk(stored, entry)).toString()]
    })
    expect(chunks.sort()).toEqual([
      ['deflate', 'a'.repeat(1000)],
      ['none', 'abc'],
    ])
  })

  it('have records of each kind, which the code writes so', () => {
    const lines = linesOf('text')
    const records = lines.filter((_, i) => i % 2 === 0)
    const found = records.map(line => JSON.parse(line) as { t: string })
    expect([...new Set(found.map(({ t }) => t))]).toEqual(Object.keys(REWRITTEN))
    records.forEach((line, i) => {
      const given = Buffer.from(JSON.stringify(reversed(found[i])))
      const written = REWRITTEN[found[i]!.t]!(given)
      expect(Buffer.from(written).toString()).toBe(line)
      expect(sha256(written)).toBe(lines[2 * i + 1])
    })
  })

  it('have records that name one another', () => {
    const lines = linesOf('text')
    const [first, second] = [lines[0]!, lines[2]!].map(line => decodeCommit(Buffer.from(line)))
    const hashes = [lines[1], lines[3]]
    expect(second!.parents).toEqual([hashes[0]])
    const ends = lines.flatMap(line => {
      if (!line.includes('"t":"end"')) return []
      const found = decodeRefOrEnd(Buffer.from(line))
      return 'end' in found ? [found.end] : []
    })
    expect(ends.map(({ commit }) => commit)).toEqual(hashes)
    expect(ends.map(({ last }) => last)).toEqual([
      { ...first, table: null },
      { ...second, table: null, message: null },
    ])
    const { suite } = second!.table!
    const line = lines.find(each => each.includes('"t":"suite"'))!
    const given = decodeDefinition(Buffer.from(line)) as SuiteDefinition
    expect(suite).toEqual({ version: given.version, sha256: sha256(suiteContent(given.suite)) })
  })
})
