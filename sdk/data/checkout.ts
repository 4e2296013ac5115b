import { rmSync, statSync, writeFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import type { FileEntry } from '../../domain/data/nodes.js'
import { collisions, pathProblem } from '../../domain/data/paths.js'
import { MlforgeError, type Problem } from '../../domain/errors.js'
import type { FileStat } from '../../packing/messages.js'
import { planCheckout } from './checkout-plan.js'
import { writeFiles } from './checkout-write.js'
import { type Copy, killedCheckout, locked, readHead, refuse, stateFile, writeHead } from './copy.js'
import { type ChunkSource, fetchLists, fetchManifest } from './fetch-nodes.js'
import { indexEntry, writeIndex } from './index-file.js'
import { LocalChunks } from './local-chunks.js'
import { writeState } from './state.js'
import { filesAt } from './status.js'
import { TreeChanges } from './tree-changes.js'
import { isReserved } from './walk.js'

/** A version of the dataset, by the root of its manifest. */
export interface CheckoutTarget {
  readonly branch: string
  readonly version: number
  readonly manifest: string
  /** The root of that version, where the files are to be others. */
  readonly recorded?: string
}

export interface CheckoutOptions {
  /** Overwrites changes that are not committed, and leaves commits that are not pushed. */
  readonly force?: boolean
  /** `replace`: commits that are not pushed are in what is checked out. */
  readonly drafts?: 'replace'
  readonly signal?: AbortSignal
  /** Gets the bytes of the files that are written so far. */
  readonly onProgress?: (bytes: number) => void
}

/** Numbers of files. */
export interface CheckedOut {
  readonly written: number
  readonly removed: number
  readonly unchanged: number
  readonly bytesWritten: number
}

/** How often the clock of the file system is looked at until it has gone on, a millisecond apart. */
const LOOKS_AT_CLOCK = 20

export function checkoutVersion(
  copy: Copy,
  target: CheckoutTarget,
  source: ChunkSource,
  { force = false, drafts, signal, onProgress }: CheckoutOptions,
): Promise<CheckedOut> {
  return locked(copy, async asOf => {
    const head = readHead(copy.root)
    if (head.draft !== null && !force && drafts === undefined) {
      throw new MlforgeError(
        'wrong_state',
        'There are commits that are not pushed. Push them first, or leave them by force.',
      )
    }
    const files = await fetchManifest(copy, source, target.manifest)
    refuse(`Version ${target.version} cannot be checked out.`, pathProblems(files))
    const journal = stateFile(copy.root, 'checkout.json')
    const plan = await planCheckout(
      copy,
      new Map(files.map(file => [file.path, file])),
      [await filesAt(copy, head.manifest), await filesAt(copy, killedCheckout(copy.root))],
      asOf,
    )
    const problems = [...plan.obstacles, ...(force ? [] : plan.conflicts)]
    if (problems.length > 0) throw conflict(problems)
    await fetchLists(copy, source, plan.writes)
    copy.nodes.flush()
    writeState(journal, { manifest: target.manifest })

    const tree = new TreeChanges(copy.root)
    const local = await LocalChunks.of(copy, plan.replaced)
    const [first, last] = split(plan.removals, plan.writes)
    for (const path of first) tree.remove(path)
    const written: { entry: FileEntry; stat: FileStat }[] = []
    let bytesWritten = 0
    for await (const each of writeFiles(copy, plan.writes, source, local, tree)) {
      signal?.throwIfAborted()
      written.push(each)
      bytesWritten += each.entry.bytes
      onProgress?.(bytesWritten)
    }
    for (const path of last) tree.remove(path)

    const now = await clockBehind(copy, written)
    const entries = [
      ...plan.others,
      ...plan.kept,
      ...written.map(({ entry, stat }) => indexEntry(entry.path, entry.content, stat, now)),
    ]
    writeIndex(
      stateFile(copy.root, 'index.json'),
      new Map(entries.map(entry => [entry.path, entry])),
      plan.others.length === 0 ? target.manifest : null,
    )
    const { branch, version, manifest, recorded = manifest } = target
    writeHead(copy.root, { branch, version, manifest: recorded, draft: null })
    rmSync(journal, { force: true })
    const removed = plan.removals.length
    return { written: written.length, removed, unchanged: plan.kept.length, bytesWritten }
  })
}

function pathProblems(files: readonly FileEntry[]): Problem[] {
  return [
    ...files.flatMap(({ path }): Problem[] => {
      const message =
        pathProblem(path) ?? (path.split('/').some(isReserved) ? 'It is a name that is reserved.' : null)
      return message === null ? [] : [{ at: path, message }]
    }),
    ...collisions(files.map(({ path }) => path)),
  ]
}

/** Removals before anything is written, as files and directories change places; and the others, after. */
function split(removals: readonly string[], writes: readonly FileEntry[]): [string[], string[]] {
  const files = new Set(writes.map(({ path }) => path))
  const directories = new Set(writes.flatMap(({ path }) => above(path)))
  const isFirst = (path: string): boolean =>
    directories.has(path) || above(path).some(parent => files.has(parent))
  return [removals.filter(isFirst), removals.filter(path => !isFirst(path))]
}

function above(path: string): string[] {
  const parts = path.split('/')
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('/'))
}

/** The time by the clock of the file system, behind that of the files where it goes on soon enough. */
async function clockBehind(copy: Copy, written: readonly { readonly stat: FileStat }[]): Promise<bigint> {
  const latest = written.reduce((most, { stat }) => {
    const at = BigInt(stat.ctimeNs)
    return at > most ? at : most
  }, 0n)
  const file = stateFile(copy.root, 'clock')
  for (let looks = 0; ; looks++) {
    writeFileSync(file, '')
    const now = statSync(file, { bigint: true }).mtimeNs
    if (now > latest || looks === LOOKS_AT_CLOCK) return now
    await wait(1)
  }
}

function conflict(problems: readonly Problem[]): MlforgeError {
  const names = problems.slice(0, 10).map(({ at, message }) => `${at}: ${message}`)
  const more = problems.length > names.length ? ` And ${problems.length - names.length} more.` : ''
  return new MlforgeError(
    'wrong_state',
    `Nothing was checked out. ${names.join(' ')}${more} Commit what is to stay, or overwrite it by force.`,
    { problems },
  )
}
