import { MlforgeError } from '../errors.js'
import { type ChunkEntry, type DataNode, decodeNode, type FileEntry, isSameFile } from './nodes.js'
import { comparePaths } from './paths.js'

/**
 * Reads a node that was kept, verified.
 * @param next nodes that are likely to be asked for after it, in order
 */
export type LoadNode = (sha256: string, next?: readonly string[]) => Promise<Uint8Array>

/** A file that one of two versions has otherwise than the other. */
export type FileChange =
  | { readonly change: 'added'; readonly path: string; readonly to: FileEntry }
  | { readonly change: 'removed'; readonly path: string; readonly from: FileEntry }
  | { readonly change: 'changed'; readonly path: string; readonly from: FileEntry; readonly to: FileEntry }

/**
 * The files of a manifest in order.
 * @param after only those behind this path
 * @throws MlforgeError object_corrupt, object_missing of what cannot be read
 */
export function filesOf(load: LoadNode, root: string, after = ''): AsyncGenerator<FileEntry> {
  return filesBelow(load, root, [], after)
}

async function* filesBelow(
  load: LoadNode,
  sha256: string,
  next: readonly string[],
  after: string,
): AsyncGenerator<FileEntry> {
  const node = await manifestNode(load, sha256, next)
  if (node.kind === 'files') {
    for (const file of node.entries) if (comparePaths(file.path, after) > 0) yield file
    return
  }
  const left = node.entries.filter(({ last }) => comparePaths(last, after) > 0).map(entry => entry.node)
  for (const [i, below] of left.entries()) yield* filesBelow(load, below, left.slice(i + 1), after)
}

/** A file of a manifest; null where it has none of this path. Reads a node of each height. */
export async function findFile(load: LoadNode, root: string, path: string): Promise<FileEntry | null> {
  const node = await manifestNode(load, root)
  if (node.kind === 'files') return node.entries.find(file => file.path === path) ?? null
  const below = node.entries.find(({ last }) => comparePaths(path, last) <= 0)
  return below ? findFile(load, below.node, path) : null
}

/** The chunks of a file in order. */
export async function* chunksOf(
  load: LoadNode,
  { bytes, content }: Pick<FileEntry, 'bytes' | 'content'>,
): AsyncGenerator<ChunkEntry> {
  if (content === null) return
  if ('chunk' in content) yield { bytes, chunk: content.chunk }
  else yield* chunksBelow(load, content.list)
}

/** A node or a chunk. */
export interface Named {
  readonly sha256: string
  readonly isNode: boolean
}

/** Nodes and chunks that a node names: what its version needs beside it. */
export function namedBy(node: DataNode): Named[] {
  switch (node.kind) {
    case 'tree':
    case 'lists':
      return node.entries.map(({ node: sha256 }) => ({ sha256, isNode: true }))
    case 'chunks':
      return node.entries.map(({ chunk: sha256 }) => ({ sha256, isNode: false }))
    case 'files':
      return node.entries.flatMap(({ content }): Named[] => {
        if (content === null) return []
        return 'chunk' in content
          ? [{ sha256: content.chunk, isNode: false }]
          : [{ sha256: content.list, isNode: true }]
      })
  }
}

/**
 * What has changed from one manifest to another, by path. What both have in common is not read.
 * @param behind only changes of paths behind this one
 */
export async function* changesOf(
  load: LoadNode,
  from: string,
  to: string,
  behind = '',
): AsyncGenerator<FileChange> {
  const before = new Ahead(load, from, behind)
  const after = new Ahead(load, to, behind)
  for (;;) {
    const [one, other] = [before.next, after.next]
    if (one === undefined && other === undefined) return
    if (one && other && 'node' in one && 'node' in other && one.node === other.node) {
      before.skip()
      after.skip()
    } else if (one && 'node' in one && !(other && 'node' in other && other.height > one.height)) {
      await before.open(one)
    } else if (other && 'node' in other) {
      await after.open(other)
    } else {
      const order = one && other ? comparePaths(one.path, other.path) : one ? -1 : 1
      if (order <= 0) before.skip()
      if (order >= 0) after.skip()
      if (order < 0) yield { change: 'removed', path: one!.path, from: one as FileEntry }
      else if (order > 0) yield { change: 'added', path: other!.path, to: other as FileEntry }
      else if (!isSameFile(one as FileEntry, other as FileEntry)) {
        yield { change: 'changed', path: one!.path, from: one as FileEntry, to: other as FileEntry }
      }
    }
  }
}

interface Unread {
  readonly path: string
  readonly node: string
  /** Of the highest it may be, where it was not read. */
  readonly height: number
}

/** What is left of a manifest: files, and nodes that may be skipped without being read. */
class Ahead {
  /** The next one is the last. */
  private readonly rest: (FileEntry | Unread)[]

  constructor(
    private readonly load: LoadNode,
    root: string,
    private readonly behind: string,
  ) {
    this.rest = [{ path: '', node: root, height: Infinity }]
  }

  get next(): FileEntry | Unread | undefined {
    return this.rest.at(-1)
  }

  skip(): void {
    this.rest.pop()
  }

  async open({ node }: Unread): Promise<void> {
    const read = await manifestNode(this.load, node)
    this.rest.pop()
    const inside =
      read.kind === 'files'
        ? read.entries
        : read.entries.map(({ last, node: below }) => ({ path: last, node: below, height: read.height - 1 }))
    const left = inside.filter(({ path }) => comparePaths(path, this.behind) > 0)
    this.rest.push(...left.toReversed())
  }
}

async function manifestNode(
  load: LoadNode,
  sha256: string,
  next: readonly string[] = [],
): Promise<Extract<DataNode, { kind: 'files' | 'tree' }>> {
  const node = decodeNode(await load(sha256, next))
  if (node.kind === 'files' || node.kind === 'tree') return node
  throw notThere(sha256, 'a manifest', node.kind)
}

async function* chunksBelow(
  load: LoadNode,
  sha256: string,
  next: readonly string[] = [],
): AsyncGenerator<ChunkEntry> {
  const node = decodeNode(await load(sha256, next))
  if (node.kind === 'chunks') yield* node.entries
  else if (node.kind === 'lists') {
    const below = node.entries.map(entry => entry.node)
    for (const [i, each] of below.entries()) yield* chunksBelow(load, each, below.slice(i + 1))
  } else throw notThere(sha256, 'the chunks of a file', node.kind)
}

function notThere(sha256: string, wanted: string, kind: string): MlforgeError {
  return new MlforgeError('object_corrupt', `Node ${sha256} is to hold ${wanted}; it is of kind "${kind}".`)
}
