import { statSync, writeFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import type { FileEntry } from '../../domain/data/nodes.js'
import { MlforgeError, type Problem } from '../../domain/errors.js'
import type { FileStat } from '../../packing/messages.js'
import type { Plan } from './checkout-plan.js'
import { type Copy, stateFile } from './copy.js'
import { indexEntry, writeIndex } from './index-file.js'
import type { TreeChanges } from './tree-changes.js'

/** How often the clock of the file system is looked at until it has gone on, a millisecond apart. */
const LOOKS_AT_CLOCK = 20

/** A file in its place. */
export interface Written {
  readonly entry: FileEntry
  readonly stat: FileStat
}

/**
 * Does what a plan says, and writes the index.
 * @param writes puts the files of the plan into their places, one after the other
 * @param manifest root of what the plan is for, where it is for all files
 */
export async function applyPlan(
  copy: Copy,
  plan: Plan,
  tree: TreeChanges,
  writes: AsyncIterable<Written>,
  manifest: string | null,
): Promise<Written[]> {
  const [first, last] = split(plan.removals, plan.writes)
  for (const path of first) tree.remove(path)
  const written: Written[] = []
  for await (const each of writes) written.push(each)
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
    plan.others.length === 0 ? manifest : null,
  )
  return written
}

export function conflict(what: string, problems: readonly Problem[], remedy: string): MlforgeError {
  const names = problems.slice(0, 10).map(({ at, message }) => `${at}: ${message}`)
  const more = problems.length > names.length ? ` And ${problems.length - names.length} more.` : ''
  return new MlforgeError('wrong_state', `${what} ${names.join(' ')}${more} ${remedy}`, { problems })
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
async function clockBehind(copy: Copy, written: readonly Written[]): Promise<bigint> {
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
