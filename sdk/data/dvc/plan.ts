import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { readDvcTree } from '../../../domain/data/dvc/tree.js'
import type { DvcOutput } from '../../../domain/data/dvc/metafiles.js'
import type { Problem } from '../../../domain/errors.js'
import { type DvcObjectName, DvcObjects, type OpenDvcRemote } from './objects.js'
import type { DvcRepository } from './repository.js'

/** How remotes that are no directories are read. */
export interface RemoteOptions {
  readonly signal?: AbortSignal
  /** Without it, what is in such remotes only is missing. */
  readonly openRemote?: OpenDvcRemote
}

/** A file that is to be imported. */
export interface DvcFile extends DvcObjectName {
  /** In the working directory. */
  readonly path: string
  /** Where its bytes are; null where they are not here. */
  readonly object: { readonly file: string; readonly bytes: number } | null
  /** Null where DVC does not say. */
  readonly isExecutable: boolean | null
  /** False for one that is nowhere but in the cache where it was made. */
  readonly isPushed: boolean
}

export interface DvcPlan {
  readonly files: readonly DvcFile[]
  /** What these files are all of: paths in the working directory, of files and directories. */
  readonly scopes: readonly string[]
  /** What is not imported, and why. */
  readonly leftOut: readonly Problem[]
  readonly problems: readonly Problem[]
  /** Lists of directories that are not here, or damaged. */
  readonly missing: readonly Problem[]
  readonly corrupt: readonly Problem[]
  readonly objects: DvcObjects
}

/**
 * What an import puts where. A working directory that is within the repository, or that the repository is in, has
 * the files where they are; any other has them by their paths in the repository.
 * @param workingDirectory its real path
 * @param beside where lists of directories go that are only in a remote
 */
export async function planImport(
  repository: DvcRepository,
  workingDirectory: string,
  beside: string,
  { openRemote, signal }: RemoteOptions,
): Promise<DvcPlan> {
  const objects = new DvcObjects(repository.root, repository.config, openRemote)
  const placeOf = placing(repository.root, workingDirectory)
  const plan = {
    files: [] as DvcFile[],
    scopes: [] as string[],
    leftOut: [...repository.leftOut],
    problems: [...repository.problems],
    missing: [] as Problem[],
    corrupt: [] as Problem[],
    objects,
  }
  for (const output of repository.outputs) {
    const scope = placeOf(output.path)
    if (scope === null) {
      plan.leftOut.push({ at: output.path, message: `It is not within "${workingDirectory}".` })
      continue
    }
    if (!output.isDirectory) {
      plan.scopes.push(scope)
      plan.files.push({ ...output, path: scope, object: objects.find(output) })
      continue
    }
    const tree = await treeOf(objects, output, join(beside, `list-${plan.scopes.length}`), signal)
    if ('missing' in tree && !output.isPushed) {
      plan.leftOut.push(notPushed(output.path))
      continue
    }
    plan.scopes.push(scope)
    if ('missing' in tree) plan.missing.push({ at: output.path, message: tree.missing })
    else if ('corrupt' in tree) plan.corrupt.push({ at: output.path, message: tree.corrupt })
    else {
      const { entries, problems } = readDvcTree(tree.value, output.path)
      plan.problems.push(...problems)
      for (const { relpath, md5 } of entries) {
        const path = placeOf(`${output.path}/${relpath}`)
        if (path === null || path === '') continue
        const { remote, hash: hashName, isPushed } = output
        const name = { md5, hash: hashName, remote }
        plan.files.push({ ...name, path, object: objects.find(name), isExecutable: null, isPushed })
      }
    }
  }
  return plan
}

/** Why an output is left out that DVC never sends to a remote. */
export function notPushed(at: string): Problem {
  return { at, message: 'It says push: false, so that DVC has it only where it was made, which is not here.' }
}

type Tree = { readonly value: unknown } | { readonly missing: string } | { readonly corrupt: string }

async function treeOf(
  objects: DvcObjects,
  output: DvcOutput,
  fetched: string,
  signal: AbortSignal | undefined,
): Promise<Tree> {
  if (output.files !== null) return { value: output.files }
  const here = objects.find(output, '.dir')?.file
  if (!here && !(await objects.fetch(output, '.dir', { file: fetched, mode: 0o666 }, signal))) {
    const where = await objects.lookedIn(output)
    return { missing: `The list of its files, ${output.md5}.dir, is not in ${where}.` }
  }
  const content = readFileSync(here ?? fetched)
  const name = here === undefined ? `${output.md5}.dir` : `"${here}"`
  const md5 = hash('md5', content, 'hex')
  if (md5 !== output.md5) return { corrupt: `${name} has the MD5 ${md5}.` }
  try {
    return { value: JSON.parse(content.toString()) as unknown }
  } catch {
    return { corrupt: `${name} is no JSON.` }
  }
}

/** Where in the working directory a path of the repository is; empty for a directory that it is in, null outside. */
function placing(repository: string, workingDirectory: string): (path: string) => string | null {
  const above = below(workingDirectory, repository)
  const within = below(repository, workingDirectory)
  if (within === null || within === '') return path => (above ? `${above}/${path}` : path)
  return path => {
    if (within === path || within.startsWith(`${path}/`)) return ''
    return path.startsWith(`${within}/`) ? path.slice(within.length + 1) : null
  }
}

/** A directory relative to another one that it is in; null where it is not. */
function below(outer: string, inner: string): string | null {
  const path = relative(outer, inner)
  return path === '..' || path.startsWith(`..${sep}`) ? null : path.split(sep).join('/')
}
