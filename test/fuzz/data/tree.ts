import { createHash } from 'node:crypto'
import { buildManifest, contentOf } from '../../../domain/data/build.js'
import { Chunker } from '../../../domain/data/chunker.js'
import { type ContentRoot, type FileEntry } from '../../../domain/data/nodes.js'
import { sha256Hex } from '../../../stores/ids.js'

export interface ModelFile {
  readonly content: Buffer
  readonly isExecutable: boolean
}

/** The files of a version as they must be, by path. */
export type Tree = ReadonlyMap<string, ModelFile>

/** What is compared of a file. */
export interface SeenFile {
  readonly sha256: string
  readonly bytes: number
  readonly isExecutable: boolean
}

export function seenOf({ content, isExecutable }: ModelFile): SeenFile {
  return { sha256: hashOf(content), bytes: content.length, isExecutable }
}

const hashes = new WeakMap<Buffer, string>()

function hashOf(content: Buffer): string {
  const known = hashes.get(content) ?? createHash('sha256').update(content).digest('hex')
  hashes.set(content, known)
  return known
}

const roots = new WeakMap<Buffer, { readonly root: ContentRoot | null }>()

/** The root of the manifest that files make, built of their bytes alone. */
export function manifestOf(tree: Tree): string {
  const files = [...tree].map(([path, { content, isExecutable }]): FileEntry => {
    const known = roots.get(content) ?? { root: rootOf(content) }
    roots.set(content, known)
    return { path, bytes: content.length, isExecutable, content: known.root }
  })
  return buildManifest(files, sha256Hex)
}

function rootOf(content: Buffer): ContentRoot | null {
  const chunks: { chunk: string; bytes: number }[] = []
  const chunker = new Chunker(chunk => chunks.push({ chunk: sha256Hex(chunk), bytes: chunk.length }))
  chunker.push(content)
  chunker.finish()
  return contentOf(chunks, sha256Hex)
}

/** What files are otherwise than they must be. */
export function treeDifferences(
  where: string,
  found: ReadonlyMap<string, SeenFile>,
  expected: Tree,
): string[] {
  const problems: string[] = []
  for (const [path, file] of expected) {
    const { sha256, bytes, isExecutable } = seenOf(file)
    const seen = found.get(path)
    if (seen === undefined) problems.push(`${where}: "${path}" is missing`)
    else if (seen.bytes !== bytes)
      problems.push(`${where}: "${path}" has ${seen.bytes} bytes instead of ${bytes}`)
    else if (seen.sha256 !== sha256)
      problems.push(
        `${where}: "${path}" has other bytes (${seen.sha256.slice(0, 12)}, not ${sha256.slice(0, 12)})`,
      )
    else if (seen.isExecutable !== isExecutable) {
      problems.push(`${where}: "${path}" is ${isExecutable ? 'not ' : ''}executable`)
    }
  }
  for (const path of found.keys())
    if (!expected.has(path)) problems.push(`${where}: "${path}" should not be there`)
  return problems
}
