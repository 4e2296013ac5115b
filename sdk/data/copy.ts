import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { STATE } from '../../domain/data/paths.js'
import { MlforgeError, type Problem } from '../../domain/errors.js'
import type { Packing } from '../../packing/packing.js'
import { KeptContent } from './kept-content.js'
import { LocalNodes } from './local-nodes.js'
import { type Lock, takeLock } from './lock.js'
import { said } from './said.js'
import { readState, writeState } from './state.js'

/** What is checked out, and what was committed on top of it. */
export interface Head {
  readonly branch: string
  /** Number of the version that it is, or that its drafts come after; null before the first one. */
  readonly version: number | null
  /** The last commit that is not pushed yet. */
  readonly draft: string | null
  /** The root of the manifest; null where there is no version and no draft. */
  readonly manifest: string | null
}

/** Where a working copy is on disk, and what works on it. */
export interface Copy {
  readonly root: string
  readonly nodes: LocalNodes
  readonly kept: KeptContent
  readonly packing: Packing
}

export const stateFile = (root: string, name: string): string => join(root, STATE, name)

export function copyAt(root: string, packing: Packing): Copy {
  const nodes = new LocalNodes(stateFile(root, 'nodes'))
  return { root, nodes, kept: new KeptContent(stateFile(root, 'kept')), packing }
}

export function readHead(root: string): Head {
  const head = readState<Head & { readonly format: number }>(stateFile(root, 'head.json'))
  if (head) {
    const { branch, version, draft, manifest } = head
    return { branch, version, draft, manifest }
  }
  throw new MlforgeError('object_missing', `"${root}" has lost its head.json. Check out a version again.`)
}

export function writeHead(root: string, { branch, version, draft, manifest }: Head): void {
  writeState(stateFile(root, 'head.json'), { branch, version, draft, manifest })
}

/** The manifest of a checkout that was killed, so that some of the files may be of that version. */
export function killedCheckout(root: string): string | null {
  return readState<{ readonly manifest: string }>(stateFile(root, 'checkout.json'))?.manifest ?? null
}

/**
 * Works while nobody else writes.
 * @param work gets when it began, in nanoseconds by the clock of the file system
 */
export async function locked<T>({ root, nodes, kept }: Copy, work: (asOf: bigint) => Promise<T>): Promise<T> {
  let lock: Lock | null = null
  try {
    lock = takeLock(stateFile(root, 'locks'))
    nodes.refresh()
    kept.refresh()
    // Halves of files, left by a process that was killed.
    for (const directory of ['.', 'nodes', 'kept', 'drafts']) removeHidden(stateFile(root, directory))
    return await work(statSync(lock.file, { bigint: true }).mtimeNs)
  } catch (error) {
    throw said(error, root)
  } finally {
    lock?.release()
  }
}

function removeHidden(directory: string): void {
  if (!existsSync(directory)) return
  for (const name of readdirSync(directory)) {
    if (name.startsWith('.')) rmSync(join(directory, name), { force: true })
  }
}

export function isWorkingCopy(directory: string): boolean {
  return existsSync(stateFile(directory, 'config.json'))
}

export function refuse(what: string, problems: readonly Problem[]): void {
  if (problems.length === 0) return
  const first = problems.slice(0, 10).map(({ at, message }) => `${at}: ${message}`)
  const more = problems.length > first.length ? ` And ${problems.length - first.length} more.` : ''
  throw new MlforgeError('invalid_request', `${what} ${first.join(' ')}${more}`, { problems })
}
