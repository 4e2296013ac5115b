import type { RunInput } from '../../contracts/temporal/messages.js'
import { MIN_CHUNK } from '../../domain/data/chunker.js'
import { collisions, comparePaths, pathProblem } from '../../domain/data/paths.js'
import { changesOf, chunksOf, filesOf, type LoadNode } from '../../domain/data/walk.js'
import { type FileEntry, listOf } from '../../domain/data/nodes.js'
import { MlforgeError, type Problem } from '../../domain/errors.js'
import type { DataPorts } from './transfers.js'

interface Tree {
  readonly manifest: string
  readonly files: number
  readonly bytes: number
  /** Number of a version of which all is known to be there. */
  readonly base: number | null
}

export interface CheckedFiles {
  readonly files: number
  /** Packs that are held for the run: see PackHolds. Outcomes from before there were such are without. */
  readonly packs?: number
}

/** Chunks that are looked for at once. */
const BATCH = 5_000
const LISTED = 20

/** Files of more than one chunk whose lists are read together. */
const LISTS = 64

/**
 * Reads the manifest of a version to be, looks that its paths can be those of files, in their order, and that every
 * chunk of them is there, and holds them for the run.
 * @throws MlforgeError chunks_missing, version_invalid
 */
export async function checkFiles(
  { datasets, packs, holds }: Pick<DataPorts, 'datasets' | 'packs' | 'holds'>,
  { project, name, runId }: Pick<RunInput, 'project' | 'name' | 'runId'>,
  tree: Tree,
  signal?: AbortSignal,
): Promise<CheckedFiles> {
  const held = new Set<string>()
  const walk = packs.walk(project)
  // Nodes have the size that they have; chunks the one that a manifest says.
  let asked = new Map<string, number | null>()
  const load: LoadNode = async (sha256, next) => {
    signal?.throwIfAborted()
    asked.set(sha256, asked.get(sha256) ?? null)
    try {
      return await walk(sha256, next)
    } catch (error) {
      if (error instanceof MlforgeError && error.code === 'object_missing') throw chunksMissing([sha256])
      throw error
    }
  }
  let nodes = 0
  /** Of the version to be: the one before may have any number of them. */
  const loadOwn: LoadNode = (sha256, next) => {
    if (++nodes > mostNodes(tree)) throw invalid('manifest', 'It has more nodes than its files have use for.')
    return load(sha256, next)
  }
  const lookFor = async () => {
    signal?.throwIfAborted()
    const { missing, bytes, packs: some } = await holds.hold(project, runId, [...asked.keys()])
    for (const pack of some) held.add(pack)
    if (missing.length > 0) throw chunksMissing(missing)
    for (const [chunk, said] of asked) {
      if (said !== null && said !== bytes.get(chunk)) throw wrongSize(chunk, said, bytes.get(chunk)!)
    }
    asked = new Map()
  }
  const lookInto = async (file: FileEntry, loadNode: LoadNode) => {
    let bytes = 0
    for await (const chunk of chunksOf(loadNode, file)) {
      bytes += chunk.bytes
      if (chunk.bytes === 0 || bytes > file.bytes) throw wrongBytes(file, 'more')
      const said = asked.get(chunk.chunk) ?? chunk.bytes
      if (said !== chunk.bytes) throw wrongSize(chunk.chunk, said, chunk.bytes)
      asked.set(chunk.chunk, chunk.bytes)
      if (asked.size >= BATCH) await lookFor()
    }
    if (bytes !== file.bytes) throw wrongBytes(file, String(bytes))
  }
  const lists = new ListsAhead(loadOwn, lookInto)

  // Of files that the base has as they are all is there.
  const base = tree.base === null ? null : await datasets.version(project, name, tree.base)
  const known = base?.retiredAt === null ? base.manifest : null
  const paths: string[] = []
  let bytes = 0
  for await (const file of filesOf(loadOwn, tree.manifest)) {
    assertPath(file.path, paths.at(-1))
    // A few nodes that name each other could say more than there is memory for.
    if (paths.push(file.path) > tree.files) throw wrongTotal(tree, 'more')
    bytes += file.bytes
    if (known === null) await lists.take(file)
    else if (asked.size >= BATCH) await lookFor()
  }
  if (known !== null) {
    for await (const change of changesOf(load, known, tree.manifest)) {
      if (change.change !== 'removed') await lists.take(change.to)
    }
  }
  await lists.end()
  await lookFor()
  if (paths.length !== tree.files || bytes !== tree.bytes)
    throw wrongTotal(tree, `${paths.length} of ${bytes}`)
  const problems = collisions(paths)
  if (problems.length > 0) throw allInvalid(problems)
  return { files: paths.length, packs: held.size }
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

function wrongBytes({ path, bytes }: FileEntry, found: string): MlforgeError {
  return invalid(path, `It is said to have ${bytes} bytes, and has ${found}.`)
}

function wrongTotal({ files, bytes }: Tree, found: string): MlforgeError {
  return invalid('manifest', `It is said to have ${files} files of ${bytes} bytes, and has ${found}.`)
}

function wrongSize(chunk: string, said: number, found: number): MlforgeError {
  return invalid('manifest', `Chunk ${chunk} is said to have ${said} bytes, and has ${found}.`)
}

function chunksMissing(chunks: readonly string[]): MlforgeError {
  const more = chunks.length > 1 ? ` and ${chunks.length - 1} more` : ''
  return new MlforgeError(
    'chunks_missing',
    `Chunk ${chunks[0]}${more} of its files did not come. Push again: what is there is not sent again.`,
    { missing: chunks.slice(0, LISTED), missingCount: chunks.length },
  )
}

function invalid(at: string, message: string): MlforgeError {
  return allInvalid([{ at, message }])
}

function allInvalid(problems: readonly Problem[]): MlforgeError {
  const [first] = problems
  return new MlforgeError(
    'version_invalid',
    `These files cannot be a version: ${first!.at}: ${first!.message}`,
    { problems: problems.slice(0, LISTED) },
  )
}
