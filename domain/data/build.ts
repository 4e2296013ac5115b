import { type ChunkEntry, type ContentRoot, type DataNode, encodeNode, type FileEntry } from './nodes.js'
import { comparePaths, pathProblem } from './paths.js'

/** Keeps a node, and gives its SHA-256 in hex. */
export type KeepNode = (node: Uint8Array) => string

/** Entries of a node: about so many, and never more than the last. */
const FILES_MASK = 0x7f
const CHUNKS_MASK = 0xff
const MOST_ENTRIES = 1_024
/** Above it nothing cuts but MOST_ENTRIES: a hash has no more to say. */
const HIGHEST_CUT = 16

/**
 * Makes the manifest of a version: a search tree of its files by path, cut where the hash of a path says, so
 * that the same files always make the same nodes, whatever was there before, and a change of one file makes
 * only the nodes from it to the root anew.
 * @param files in any order
 * @returns the hash of the root
 * @throws RangeError for paths that cannot be, or are there twice: they are refused where they come in
 */
export function buildManifest(files: readonly FileEntry[], keep: KeepNode): string {
  const sorted = files.toSorted((a, b) => comparePaths(a.path, b.path))
  sorted.forEach(({ path }, i) => {
    const problem = pathProblem(path) ?? (sorted[i - 1]?.path === path ? 'It is there twice.' : null)
    if (problem !== null) throw new RangeError(`${JSON.stringify(path)}: ${problem}`)
  })
  const leaves = cut(sorted, ({ path }) => cuts(path, 0, FILES_MASK)).map(entries => ({
    last: entries.at(-1)?.path ?? '',
    files: entries.length,
    bytes: sum(entries),
    node: keep(encodeNode({ kind: 'files', entries })),
  }))
  return rootOf(
    leaves,
    (height, entries): DataNode => ({ kind: 'tree', height, entries }),
    entries => ({
      last: entries.at(-1)!.last,
      files: entries.reduce((total, { files: each }) => total + each, 0),
    }),
    ({ last }, height) => cuts(last, height, FILES_MASK),
    keep,
  )
}

/** What a file of these chunks is made of: its only chunk, or a list of them in nodes like those of manifests. */
export function contentOf(chunks: readonly ChunkEntry[], keep: KeepNode): ContentRoot | null {
  const [first, second] = chunks
  if (first === undefined) return null
  if (second === undefined) return { chunk: first.chunk }
  const leaves = cut(chunks, ({ chunk }) => cuts(chunk, 0, CHUNKS_MASK)).map(entries => ({
    bytes: sum(entries),
    node: keep(encodeNode({ kind: 'chunks', entries })),
  }))
  const list = rootOf(
    leaves,
    (height, entries): DataNode => ({ kind: 'lists', height, entries }),
    () => ({}),
    ({ node }, height) => cuts(node, height, CHUNKS_MASK),
    keep,
  )
  return { list }
}

interface Sized {
  readonly bytes: number
}

/** Puts nodes above nodes until there is one. */
function rootOf<E extends Sized & { readonly node: string }>(
  leaves: readonly E[],
  nodeOf: (height: number, entries: readonly E[]) => DataNode,
  more: (entries: readonly E[]) => Omit<E, 'bytes' | 'node'>,
  isCut: (entry: E, height: number) => boolean,
  keep: KeepNode,
): string {
  let entries = leaves
  for (let height = 1; entries.length > 1; height++) {
    entries = cut(entries, entry => isCut(entry, height)).map(
      inside =>
        ({ ...more(inside), bytes: sum(inside), node: keep(encodeNode(nodeOf(height, inside))) }) as E,
    )
  }
  return entries[0]!.node
}

/** Groups of entries, each ended by one that says so or by being full. Of nothing it is one empty group. */
function cut<E>(entries: readonly E[], isCut: (entry: E) => boolean): E[][] {
  const groups: E[][] = [[]]
  entries.forEach((entry, i) => {
    const group = groups.at(-1)!
    group.push(entry)
    if (i < entries.length - 1 && (isCut(entry) || group.length === MOST_ENTRIES)) groups.push([])
  })
  return groups
}

/** Whether a node of some height ends with a key: by FNV-1a (32 bits), mixed with the height as MurmurHash3 does. */
function cuts(key: string, height: number, mask: number): boolean {
  if (height > HIGHEST_CUT) return false
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) {
    // Both bytes of each UTF-16 unit.
    const unit = key.charCodeAt(i)
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193)
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193)
  }
  hash = (hash + Math.imul(height, 0x9e3779b9)) | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) & mask) === 0
}

function sum(entries: readonly Sized[]): number {
  return entries.reduce((total, { bytes }) => total + bytes, 0)
}
