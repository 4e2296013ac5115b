import type { RunInput } from '../../contracts/temporal/messages.js'
import { MIN_CHUNK } from '../../domain/data/chunker.js'
import { collisions, comparePaths, pathProblem } from '../../domain/data/paths.js'
import { changesOf, chunksOf, filesOf, type LoadNode } from '../../domain/data/walk.js'
import { decodeNode, encodeNode, type FileEntry, listOf } from '../../domain/data/nodes.js'
import { isDamage } from '../../stores/objects/verified.js'
import type { Reached } from '../heartbeats.js'
import { AskedChunks } from './asked-chunks.js'
import { allInvalid, invalid, wrongBytes, wrongTotal } from './file-problems.js'
import type { DataPorts } from './transfers.js'

interface Tree {
  readonly manifest: string
  readonly files: number
  readonly bytes: number
  /** Number of a version of which all is known to be there. */
  readonly base: number | null
  /** It is a version already, whoever has taken it on. */
  readonly isVersion?: boolean
}

export interface CheckedFiles {
  readonly files: number
  /** Packs that are held for the run: see PackHolds. Outcomes from before there were such are without. */
  readonly packs?: number
}

/** All of the files up to a path is there and held, but for what a version has whose manifest this is. */
export interface CheckedTo {
  readonly path: string
  readonly known: string | null
}

interface Attempt {
  readonly signal?: AbortSignal
  readonly from?: CheckedTo | undefined
  readonly reached?: Reached<CheckedTo>
}

/** Files of more than one chunk whose lists are read together. */
const LISTS = 64
/** Files after which the place is noted, with all that was asked for looked for. */
const NOTED = 2_000

/**
 * Reads the manifest of a version to be, looks that its paths can be those of files, in their order, and that every
 * chunk of them is there, and holds them for the run. The manifest is read whole by each attempt, as all paths are
 * compared; what its files are made of, which is far more, is read from the place on that was reached.
 * @throws MlforgeError chunks_missing, version_invalid
 */
export async function checkFiles(
  { datasets, packs, holds }: Pick<DataPorts, 'datasets' | 'packs' | 'holds'>,
  { project, name, runId }: Pick<RunInput, 'project' | 'name' | 'runId'>,
  tree: Tree,
  { signal, from, reached }: Attempt = {},
): Promise<CheckedFiles> {
  // Of files that the base has as they are all is there.
  const base = tree.base === null ? null : await datasets.version(project, name, tree.base)
  const known = base?.retiredAt === null ? base.manifest : null
  const asked = new AskedChunks({ packs, holds }, { project, runId }, signal)
  try {
    const some = counted(asked.load, tree)
    const load = tree.isVersion === true ? some : canonical(some, tree)
    const files = await checkManifest(load, asked, tree)

    const lists = new ListsAhead(load, (file, loadNode) => askForChunks(asked, file, loadNode))
    const after = from?.known === known ? from.path : ''
    let looked = 0
    for await (const file of filesToCheck(asked.load, { known, manifest: tree.manifest, after })) {
      await lists.take(file)
      if (++looked % NOTED !== 0) continue
      await lists.end()
      await asked.look()
      reached?.({ path: file.path, known })
    }
    await lists.end()
    await asked.look()
    return { files, packs: await holds.count(runId) }
  } catch (error) {
    // Read, and what its hash says: it was no node when it came, and will not become one.
    if (!isDamage(error) || asked.isUnread(error)) throw error
    throw invalid('manifest', error.message)
  }
}

/** Paths and totals. @returns how many files it has */
async function checkManifest(load: LoadNode, asked: AskedChunks, tree: Tree): Promise<number> {
  const paths: string[] = []
  let bytes = 0
  for await (const file of filesOf(withLasts(load), tree.manifest)) {
    assertPath(file.path, paths.at(-1))
    // A few nodes that name each other could say more than there is memory for.
    if (paths.push(file.path) > tree.files) throw wrongTotal(tree, 'more')
    bytes += file.bytes
    await asked.lookIfMany()
  }
  if (paths.length !== tree.files || bytes !== tree.bytes)
    throw wrongTotal(tree, `${paths.length} of ${bytes}`)
  const problems = collisions(paths)
  if (problems.length > 0) throw allInvalid(problems)
  return paths.length
}

/** The files behind a path of which it is not known that all is there. */
async function* filesToCheck(
  load: LoadNode,
  {
    known,
    manifest,
    after,
  }: { readonly known: string | null; readonly manifest: string; readonly after: string },
): AsyncGenerator<FileEntry> {
  if (known === null) yield* filesOf(load, manifest, after)
  else {
    for await (const change of changesOf(load, known, manifest, after)) {
      if (change.change !== 'removed') yield change.to
    }
  }
}

async function askForChunks(asked: AskedChunks, file: FileEntry, load: LoadNode): Promise<void> {
  let bytes = 0
  for await (const chunk of chunksOf(load, file)) {
    bytes += chunk.bytes
    if (chunk.bytes === 0 || bytes > file.bytes) throw wrongBytes(file, 'more')
    asked.ask(chunk.chunk, chunk.bytes)
    await asked.lookIfMany()
  }
  if (bytes !== file.bytes) throw wrongBytes(file, String(bytes))
}

/** Nodes of the version to be: the one before may have any number of them. */
function counted(load: LoadNode, tree: Tree): LoadNode {
  let nodes = 0
  return (sha256, next) => {
    if (++nodes > mostNodes(tree)) throw invalid('manifest', 'It has more nodes than its files have use for.')
    return load(sha256, next)
  }
}

/** One form of each node: the same files would have another root in any other. */
function canonical(load: LoadNode, { manifest }: Tree): LoadNode {
  return async (sha256, next) => {
    const bytes = await load(sha256, next)
    const node = decodeNode(bytes)
    if (!Buffer.from(encodeNode(node)).equals(bytes))
      throw invalid('manifest', `Node ${sha256} is not written as canonical JSON of what it says.`)
    if (node.entries.length === 0 && !(node.kind === 'files' && sha256 === manifest))
      throw invalid('manifest', `Node ${sha256} has no entries.`)
    return bytes
  }
}

/** Nodes end with the path that the one above says: whoever looks for a path goes by it. */
function withLasts(load: LoadNode): LoadNode {
  const lasts = new Map<string, string>()
  return async (sha256, next) => {
    const bytes = await load(sha256, next)
    const node = decodeNode(bytes)
    const said = lasts.get(sha256)
    lasts.delete(sha256)
    if (node.kind === 'tree') for (const entry of node.entries) lasts.set(entry.node, entry.last)
    const found = lastOf(node)
    if (said === undefined || found === undefined || found === said) return bytes
    throw invalid('manifest', `Node ${sha256} is said to end with "${said}", and ends with "${found}".`)
  }
}

function lastOf(node: ReturnType<typeof decodeNode>): string | undefined {
  if (node.kind === 'files') return node.entries.at(-1)?.path
  return node.kind === 'tree' ? node.entries.at(-1)?.last : undefined
}

/** Hands files on, those of several chunks together, so that the nodes that list these are read together. */
class ListsAhead {
  private waiting: FileEntry[] = []

  constructor(
    private readonly load: LoadNode,
    private readonly look: (file: FileEntry, load: LoadNode) => Promise<void>,
  ) {}

  async take(file: FileEntry): Promise<void> {
    if (listOf(file.content) === null) return this.look(file, this.load)
    this.waiting.push(file)
    if (this.waiting.length === LISTS) await this.end()
  }

  async end(): Promise<void> {
    const files = this.waiting
    this.waiting = []
    const lists = [...new Set(files.map(file => listOf(file.content)!))]
    for (const file of files) {
      const list = listOf(file.content)!
      const next = lists.slice(lists.indexOf(list) + 1)
      await this.look(file, (sha256, others) => this.load(sha256, sha256 === list ? next : others))
    }
  }
}

function assertPath(path: string, before: string | undefined): void {
  const problem = pathProblem(path)
  if (problem !== null) throw invalid(path, problem)
  if (before === undefined || comparePaths(before, path) < 0) return
  throw invalid(path, `It does not come after "${before}" in the order of paths.`)
}

/** Of a manifest and of lists, whose nodes never are empty, and hold more than a hundred entries as a rule. */
function mostNodes({ files, bytes }: Tree): number {
  return 64 + 4 * files + bytes / MIN_CHUNK
}
