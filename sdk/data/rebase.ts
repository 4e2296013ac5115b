import { buildManifest } from '../../domain/data/build.js'
import type { FileEntry } from '../../domain/data/nodes.js'
import { MESSAGE_CHARACTERS } from '../../domain/data/commit.js'
import { collisions, comparePaths } from '../../domain/data/paths.js'
import { changesOf, type FileChange } from '../../domain/data/walk.js'
import { MlforgeError, type Problem } from '../../domain/errors.js'
import { type CheckedOut, type CheckoutOptions, type CheckoutTarget, checkoutVersion } from './checkout.js'
import { type Copy, readHead } from './copy.js'
import { type Draft, draftsOf, sizeOf, writeDraft } from './drafts.js'
import { type ChunkSource, fetchManifest } from './fetch-nodes.js'
import { filesAt } from './status.js'

export interface Rebased extends CheckedOut {
  /** What was committed here, on top of the version; null where that had all of it. */
  readonly draft: Draft | null
}

/**
 * Puts what was committed here on top of a version that somebody else has made: files that only one side has
 * changed are as that side has them. The commits become one.
 * @param base root of the version that they were made from; null where there was none
 * @throws MlforgeError wrong_state with all files that both sides have changed, each otherwise
 */
export async function rebaseDrafts(
  copy: Copy,
  onto: CheckoutTarget,
  base: string | null,
  source: ChunkSource,
  options: Omit<CheckoutOptions, 'force' | 'drafts'>,
): Promise<Rebased> {
  const drafts = draftsOf(copy)
  const last = drafts.at(-1)
  const { manifest: mine } = readHead(copy.root)
  if (last === undefined || mine === null) {
    throw new MlforgeError('wrong_state', 'There are no commits that could be put on top of another version.')
  }
  const before = base ?? buildManifest([], copy.nodes.keep)
  for (const root of [before, onto.manifest]) await fetchManifest(copy, source, root)
  const ours = await changes(copy, before, mine)
  const theirs = await changes(copy, before, onto.manifest)
  const merged = await filesAt(copy, onto.manifest)
  for (const [path, change] of ours) {
    if (change.change === 'removed') merged.delete(path)
    else merged.set(path, change.to)
  }
  const problems = [...clashes(ours, theirs), ...collisions([...merged.keys()].sort(comparePaths))]
  if (problems.length > 0) throw conflict(onto, problems)

  const files = [...merged.values()]
  const manifest = buildManifest(files, copy.nodes.keep)
  copy.nodes.flush()
  // There before the head names it: killed at any moment, the commits are the old ones, or this.
  const draft =
    manifest === onto.manifest
      ? null
      : writeDraft(copy, {
          parents: [{ version: onto.version }],
          manifest,
          ...sizeOf(files),
          message: joined(drafts),
          author: last.author,
          createdAt: last.createdAt,
          code: last.code,
        })
  const target = { ...onto, manifest, ...(draft ? { draft: draft.id } : {}) }
  const done = await checkoutVersion(copy, target, source, { ...options, drafts: 'replace' })
  return { ...done, draft }
}

/** What all of the commits say, as much of it as one may. */
function joined(drafts: readonly Draft[]): string {
  const message = drafts.map(each => each.message).join('\n\n')
  return message.length <= MESSAGE_CHARACTERS ? message : `${message.slice(0, MESSAGE_CHARACTERS - 1)}…`
}

async function changes(copy: Copy, from: string, to: string): Promise<Map<string, FileChange>> {
  const found = new Map<string, FileChange>()
  for await (const change of changesOf(copy.nodes.load, from, to)) found.set(change.path, change)
  return found
}

/** Files that both sides have changed, and not to the same. */
function clashes(ours: ReadonlyMap<string, FileChange>, theirs: ReadonlyMap<string, FileChange>): Problem[] {
  return [...ours].flatMap(([path, change]): Problem[] => {
    const other = theirs.get(path)
    if (other === undefined || JSON.stringify(result(change)) === JSON.stringify(result(other))) return []
    return [{ at: path, message: `It was ${change.change} here, and ${other.change} there.` }]
  })
}

function result(change: FileChange): FileEntry | null {
  return change.change === 'removed' ? null : change.to
}

function conflict({ version }: CheckoutTarget, problems: readonly Problem[]): MlforgeError {
  const names = problems.slice(0, 10).map(({ at, message }) => `${at}: ${message}`)
  const more = problems.length > names.length ? ` And ${problems.length - names.length} more.` : ''
  return new MlforgeError(
    'wrong_state',
    `Version ${version} and what was committed here do not go together. ${names.join(' ')}${more} Push to another branch, or check the version out by force and make your changes again.`,
    { problems },
  )
}
