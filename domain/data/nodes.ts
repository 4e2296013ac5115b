import { canonicalJson, type Json } from '../canonical-json.js'
import { MlforgeError } from '../errors.js'

/** A file of a dataset. */
export interface FileEntry {
  readonly path: string
  readonly bytes: number
  readonly isExecutable: boolean
  /** Null for an empty one. */
  readonly content: ContentRoot | null
}

/** What a file is made of: its only chunk, or a node that lists its chunks. By their SHA-256 in hex. */
export type ContentRoot = { readonly chunk: string } | { readonly list: string }

/** The hash that names a content; null for an empty one. */
export function rootHash(content: ContentRoot | null): string | null {
  return content && ('chunk' in content ? content.chunk : content.list)
}

/** The node that lists the chunks of a content; null where it has one chunk or none. */
export function listOf(content: ContentRoot | null): string | null {
  return content !== null && 'list' in content ? content.list : null
}

/** Whether two files have the same bytes and the same mode. */
export function isSameFile(one: Omit<FileEntry, 'path'>, other: Omit<FileEntry, 'path'>): boolean {
  return (
    one.bytes === other.bytes &&
    one.isExecutable === other.isExecutable &&
    rootHash(one.content) === rootHash(other.content)
  )
}

/** A chunk of a file. */
export interface ChunkEntry {
  readonly bytes: number
  readonly chunk: string
}

/** A node below another one. */
export interface TreeEntry {
  /** The last path in it. */
  readonly last: string
  readonly files: number
  readonly bytes: number
  readonly node: string
}

export interface ListEntry {
  readonly bytes: number
  readonly node: string
}

/**
 * A node of a version. `files` and `tree` make its manifest, `chunks` and `lists` a large file; height is that
 * above the leaves.
 */
export type DataNode =
  | { readonly kind: 'files'; readonly entries: readonly FileEntry[] }
  | { readonly kind: 'tree'; readonly height: number; readonly entries: readonly TreeEntry[] }
  | { readonly kind: 'chunks'; readonly entries: readonly ChunkEntry[] }
  | { readonly kind: 'lists'; readonly height: number; readonly entries: readonly ListEntry[] }

const FORMAT = 1
const HASH = /^[0-9a-f]{64}$/
const utf8 = new TextEncoder()

/** A node as it is hashed and stored: canonical JSON (RFC 8785) in UTF-8. */
export function encodeNode(node: DataNode): Uint8Array {
  const height = node.kind === 'tree' || node.kind === 'lists' ? { h: node.height } : {}
  return utf8.encode(canonicalJson({ v: FORMAT, t: node.kind, ...height, e: rowsOf(node) }))
}

/**
 * Reads a node.
 * @throws MlforgeError object_corrupt for what is none, unsupported_format for one of a later version
 */
export function decodeNode(bytes: Uint8Array): DataNode {
  const { v, t, h, e } = parsed(bytes)
  if (v !== FORMAT) {
    throw new MlforgeError(
      'unsupported_format',
      `The node is of format version ${JSON.stringify(v)}; this release reads version ${FORMAT}. Read it with a newer release.`,
    )
  }
  if (!Array.isArray(e)) throw corrupt('it has no entries')
  const rows = e as readonly unknown[]
  switch (t) {
    case 'files':
      return { kind: t, entries: rows.map(fileOf) }
    case 'tree':
      return { kind: t, height: heightOf(h), entries: rows.map(treeOf) }
    case 'chunks':
      return { kind: t, entries: rows.map(row => ({ bytes: sizeOf(row, 0), chunk: hashOf(row, 1) })) }
    case 'lists':
      return {
        kind: t,
        height: heightOf(h),
        entries: rows.map(row => ({ bytes: sizeOf(row, 0), node: hashOf(row, 1) })),
      }
    default:
      throw corrupt(`it is of the unknown kind ${JSON.stringify(t)}`)
  }
}

function rowsOf(node: DataNode): Json {
  switch (node.kind) {
    case 'files':
      return node.entries.map(({ path, bytes, isExecutable, content }) => [
        path,
        bytes,
        isExecutable ? 1 : 0,
        content === null ? null : 'chunk' in content ? ['c', content.chunk] : ['l', content.list],
      ])
    case 'tree':
      return node.entries.map(({ last, files, bytes, node: below }) => [last, files, bytes, below])
    case 'chunks':
      return node.entries.map(({ bytes, chunk }) => [bytes, chunk])
    case 'lists':
      return node.entries.map(({ bytes, node: below }) => [bytes, below])
  }
}

function fileOf(row: unknown): FileEntry {
  const content = at(row, 3)
  const mode = at(row, 2)
  if (mode !== 0 && mode !== 1) throw corrupt('a file has an unknown mode')
  return {
    path: textOf(row, 0),
    bytes: sizeOf(row, 1),
    isExecutable: mode === 1,
    content: content === null ? null : rootOf(content),
  }
}

function rootOf(row: unknown): ContentRoot {
  const kind = at(row, 0)
  if (kind === 'c') return { chunk: hashOf(row, 1) }
  if (kind === 'l') return { list: hashOf(row, 1) }
  throw corrupt('a file has content of an unknown kind')
}

function treeOf(row: unknown): TreeEntry {
  return { last: textOf(row, 0), files: sizeOf(row, 1), bytes: sizeOf(row, 2), node: hashOf(row, 3) }
}

function parsed(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Said below.
  }
  throw corrupt('it is no JSON object')
}

function at(row: unknown, place: number): unknown {
  if (!Array.isArray(row)) throw corrupt('an entry is no list')
  return row[place]
}

function textOf(row: unknown, place: number): string {
  const value = at(row, place)
  if (typeof value !== 'string') throw corrupt('an entry has no path')
  return value
}

function hashOf(row: unknown, place: number): string {
  const value = at(row, place)
  if (typeof value !== 'string' || !HASH.test(value)) throw corrupt('an entry names nothing')
  return value
}

function sizeOf(row: unknown, place: number): number {
  const value = at(row, place)
  if (!Number.isSafeInteger(value) || Number(value) < 0) throw corrupt('an entry has no size')
  return Number(value)
}

function heightOf(value: unknown): number {
  if (!Number.isSafeInteger(value) || Number(value) < 1) throw corrupt('it has no height')
  return Number(value)
}

function corrupt(why: string): MlforgeError {
  return new MlforgeError('object_corrupt', `This is no node of a dataset: ${why}.`)
}
