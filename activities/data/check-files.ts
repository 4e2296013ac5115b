import type { RunInput } from '../../contracts/temporal/messages.js'
import { collisions } from '../../domain/data/paths.js'
import { changesOf, chunksOf, filesOf, type LoadNode } from '../../domain/data/walk.js'
import type { FileEntry } from '../../domain/data/nodes.js'
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

/**
 * Reads the manifest of a version to be, looks that every chunk of its files is there, and holds them for the run.
 * @throws MlforgeError chunks_missing, version_invalid
 */
export async function checkFiles(
  { datasets, packs, holds }: Pick<DataPorts, 'datasets' | 'packs' | 'holds'>,
  { project, name, runId }: Pick<RunInput, 'project' | 'name' | 'runId'>,
  tree: Tree,
): Promise<CheckedFiles> {
  const held = new Set<string>()
  const walk = packs.walk(project)
  const load: LoadNode = async (sha256, next) => {
    asked.add(sha256)
    try {
      return await walk(sha256, next)
    } catch (error) {
      if (error instanceof MlforgeError && error.code === 'object_missing') throw chunksMissing([sha256])
      throw error
    }
  }
  let asked = new Set<string>()
  const lookFor = async () => {
    const { missing, packs: some } = await holds.hold(project, runId, [...asked])
    for (const pack of some) held.add(pack)
    if (missing.length > 0) throw chunksMissing(missing)
    asked = new Set()
  }
  const lookInto = async (file: FileEntry) => {
    let bytes = 0
    for await (const chunk of chunksOf(load, file)) {
      bytes += chunk.bytes
      asked.add(chunk.chunk)
      if (asked.size >= BATCH) await lookFor()
    }
    if (bytes !== file.bytes) {
      throw invalid([{ at: file.path, message: `It is said to have ${file.bytes} bytes, and has ${bytes}.` }])
    }
  }

  // Of files that the base has as they are all is there.
  const base = tree.base === null ? null : await datasets.version(project, name, tree.base)
  const known = base?.retiredAt === null ? base.manifest : null
  const paths: string[] = []
  let bytes = 0
  for await (const file of filesOf(load, tree.manifest)) {
    paths.push(file.path)
    bytes += file.bytes
    if (known === null) await lookInto(file)
    else if (asked.size >= BATCH) await lookFor()
  }
  if (known !== null) {
    for await (const change of changesOf(load, known, tree.manifest)) {
      if (change.change !== 'removed') await lookInto(change.to)
    }
  }
  await lookFor()
  const problems = collisions(paths)
  if (paths.length !== tree.files || bytes !== tree.bytes) {
    const message = `It is said to have ${tree.files} files of ${tree.bytes} bytes, and has ${paths.length} of ${bytes}.`
    problems.push({ at: 'manifest', message })
  }
  if (problems.length > 0) throw invalid(problems)
  return { files: paths.length, packs: held.size }
}

function chunksMissing(chunks: readonly string[]): MlforgeError {
  const more = chunks.length > 1 ? ` and ${chunks.length - 1} more` : ''
  return new MlforgeError(
    'chunks_missing',
    `Chunk ${chunks[0]}${more} of its files did not come. Push again: what is there is not sent again.`,
    { missing: chunks.slice(0, LISTED), missingCount: chunks.length },
  )
}

function invalid(problems: readonly Problem[]): MlforgeError {
  const [first] = problems
  return new MlforgeError(
    'version_invalid',
    `These files cannot be a version: ${first!.at}: ${first!.message}`,
    { problems: problems.slice(0, LISTED) },
  )
}
