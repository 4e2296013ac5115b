import { join } from 'node:path'
import { type FileEntry, isSameFile } from '../../domain/data/nodes.js'
import type { Problem } from '../../domain/errors.js'
import { type Copy, stateFile } from './copy.js'
import { type IndexEntry, isUntouched, readIndex } from './index-file.js'
import { nodeHash } from './local-nodes.js'
import { readFiles } from './scan-files.js'
import { kindAt, look } from './walk.js'

/** What a checkout does to the files of a directory. */
export interface Plan {
  /** Files of the version that are there already. */
  readonly kept: readonly IndexEntry[]
  readonly writes: readonly FileEntry[]
  readonly removals: readonly string[]
  /** Files that are neither of the version nor of the one before, and were added: they stay added. */
  readonly others: readonly IndexEntry[]
  /** What is in files that are overwritten or removed, as far as that is known. */
  readonly replaced: readonly IndexEntry[]
  /** Changes that would be lost. */
  readonly conflicts: readonly Problem[]
  /** What stands in the way and is not touched in any case. */
  readonly obstacles: readonly Problem[]
}

type Files = ReadonlyMap<string, FileEntry>

/**
 * Plans a checkout. A file may be overwritten or removed where it is as one of the versions has it that the
 * directory came from: the head, and that of a checkout which was killed.
 */
export async function planCheckout(
  copy: Copy,
  target: Files,
  from: readonly Files[],
  asOf: bigint,
): Promise<Plan> {
  const index = readIndex(stateFile(copy.root, 'index.json'))
  const paths = new Set([target, ...from].flatMap(files => [...files.keys()]))
  const { found, unlike } = await currentFiles(copy, paths, [target, ...from], index, asOf)

  const plan = {
    kept: [] as IndexEntry[],
    writes: [] as FileEntry[],
    removals: [] as string[],
    others: [...index.values()].filter(({ path }) => !paths.has(path) && look(copy.root, path) !== null),
    replaced: [] as IndexEntry[],
    conflicts: [] as Problem[],
  }
  for (const path of paths) {
    const now = found.get(path)
    const wanted = target.get(path)
    if (now && wanted && isSameFile(now, wanted)) {
      plan.kept.push(now)
      continue
    }
    const isThere = now !== undefined || unlike.has(path)
    const isClean = now !== undefined && from.some(files => isIn(files, now))
    if (isThere && !isClean) {
      plan.conflicts.push({ at: path, message: 'It has changes that are not committed.' })
    }
    if (wanted) plan.writes.push(wanted)
    else if (isThere) plan.removals.push(path)
    if (now) plan.replaced.push(now)
  }
  const ways = inTheWay(copy.root, plan.writes, new Set(plan.removals))
  return { ...plan, obstacles: ways }
}

/** What the files of some paths hold: of those that can be the ones of a version. */
async function currentFiles(
  copy: Copy,
  paths: ReadonlySet<string>,
  versions: readonly Files[],
  index: ReadonlyMap<string, IndexEntry>,
  asOf: bigint,
): Promise<{ found: Map<string, IndexEntry>; unlike: Set<string> }> {
  const found = new Map<string, IndexEntry>()
  const unlike = new Set<string>()
  const toRead: string[] = []
  for (const path of paths) {
    const stat = look(copy.root, path)
    if (!stat) continue
    const entry = index.get(path)
    if (entry && isUntouched(entry, stat)) found.set(path, entry)
    else if (versions.some(files => files.get(path)?.bytes === stat.size)) toRead.push(path)
    else unlike.add(path)
  }
  for await (const { entry } of readFiles(copy, toRead, asOf, nodeHash)) found.set(entry.path, entry)
  return { found, unlike }
}

function isIn(files: Files, entry: IndexEntry): boolean {
  const other = files.get(entry.path)
  return other !== undefined && isSameFile(entry, other)
}

/** Links and files where directories have to be, and directories and others where files have to be. */
function inTheWay(root: string, writes: readonly FileEntry[], removals: ReadonlySet<string>): Problem[] {
  const problems: Problem[] = []
  const seen = new Set<string>()
  for (const { path } of writes) {
    const parts = path.split('/')
    for (let i = 1; i < parts.length; i++) {
      const above = parts.slice(0, i).join('/')
      if (seen.has(above)) continue
      seen.add(above)
      const kind = kindAt(join(root, above))
      if (kind === 'nothing') break
      if (kind === 'directory' || (kind === 'file' && removals.has(above))) continue
      problems.push({
        at: above,
        message: `It is a ${kind} where the version has a directory. Move it away.`,
      })
      break
    }
    const kind = kindAt(join(root, path))
    if (kind === 'link' || kind === 'other') {
      problems.push({
        at: path,
        message: 'It is no regular file, and the version has one there. Move it away.',
      })
    }
  }
  return problems
}
