import { hash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { buildManifest } from '../../domain/data/build.js'
import { AUTHOR_CHARACTERS, type CodeState, MESSAGE_CHARACTERS } from '../../domain/data/commit.js'
import { type FileEntry, rootHash } from '../../domain/data/nodes.js'
import { filesOf } from '../../domain/data/walk.js'
import { MlforgeError, type Problem } from '../../domain/errors.js'
import {
  type Copy,
  type Head,
  killedCheckout,
  locked,
  readHead,
  refuse,
  stateFile,
  writeHead,
} from './copy.js'
import { readIndex, readIndexFile, writeIndex } from './index-file.js'
import { readState, writeState } from './state.js'

/** What a draft comes after. */
export type Parent = { readonly version: number } | { readonly draft: string }

/** A commit that is not pushed yet. */
export interface Draft {
  /** SHA-256 of the rest, as it was committed. */
  readonly id: string
  /** None for the first version. */
  readonly parents: readonly Parent[]
  /** The root of its manifest. */
  readonly manifest: string
  readonly files: number
  readonly bytes: number
  readonly message: string
  readonly author: string
  /** ISO 8601, UTC. */
  readonly createdAt: string
  /** Where the code stood that made the files. */
  readonly code: CodeState | null
}

export interface CommitOptions {
  readonly message: string
  readonly author: string
  readonly at: Date
  readonly code?: CodeState | null
}

/** Records the index as a draft on top of the head. */
export async function commitIndex(
  copy: Copy,
  { message, author, at, code = null }: CommitOptions,
): Promise<Draft> {
  refuse('Nothing was committed.', [
    ...textProblem('message', message, MESSAGE_CHARACTERS),
    ...textProblem('author', author, AUTHOR_CHARACTERS),
    ...(Number.isNaN(at.getTime()) ? [{ at: 'at', message: 'It is no date.' }] : []),
  ])
  return await locked(copy, async () => {
    await Promise.resolve()
    const head = readHead(copy.root)
    if (killedCheckout(copy.root) !== null) {
      throw new MlforgeError(
        'wrong_state',
        'A checkout was killed, and some files are of its version. Check out that version, or another one, again.',
      )
    }
    const indexFile = stateFile(copy.root, 'index.json')
    const index = readIndex(indexFile)
    const files = [...index.values()]
    const manifest = buildManifest(files, copy.nodes.keep)
    if (manifest === head.manifest || (head.manifest === null && files.length === 0)) {
      throw new MlforgeError('wrong_state', 'There is nothing to commit: add files that have changed first.')
    }
    // In this order, so that whatever is named is there.
    copy.nodes.flush()
    writeIndex(indexFile, index, manifest)
    const createdAt = at.toISOString()
    const said = { message, author, createdAt, code }
    const draft = writeDraft(copy, { parents: parentsOf(head), manifest, ...sizeOf(files), ...said })
    writeHead(copy.root, { ...head, draft: draft.id, manifest })
    return draft
  })
}

/** Keeps a draft, which is one once the head names it. Its nodes have to be there. */
export function writeDraft(copy: Copy, record: Omit<Draft, 'id'>): Draft {
  const draft = { id: hash('sha256', JSON.stringify(record), 'hex'), ...record }
  mkdirSync(stateFile(copy.root, 'drafts'), { recursive: true })
  writeState(draftFile(copy, draft.id), draft)
  return draft
}

/** Number and bytes of the files of a draft. */
export function sizeOf(files: readonly FileEntry[]): Pick<Draft, 'files' | 'bytes'> {
  return { files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) }
}

/** The commits that are not pushed yet, the first one first. */
export function draftsOf(copy: Copy): Draft[] {
  const drafts: Draft[] = []
  for (let id = readHead(copy.root).draft; id !== null;) {
    const draft = readDraft(copy, id)
    drafts.unshift(draft)
    const parent = draft.parents[0]
    id = parent && 'draft' in parent ? parent.draft : null
  }
  return drafts
}

/** The first draft is a version now. Those after it come after that. */
export function markPushed(copy: Copy, id: string, version: number): Promise<void> {
  return locked(copy, async () => {
    const head = readHead(copy.root)
    const [first, second] = draftsOf(copy)
    if (first?.id !== id) {
      // Said before, and killed before it was heard.
      if (head.version === version) return await removeStored(copy)
      throw new MlforgeError('wrong_state', `${id} is not the first commit that is to be pushed.`)
    }
    if (second) writeState(draftFile(copy, second.id), { ...second, parents: [{ version }] })
    writeHead(copy.root, { ...head, version, draft: second ? head.draft : null })
    await removeStored(copy)
  })
}

/** Removes content that was kept for a push and is in the store now; while there are drafts they may need it. */
async function removeStored(copy: Copy): Promise<void> {
  const { draft, manifest } = readHead(copy.root)
  if (draft !== null) return
  const index = readIndexFile(stateFile(copy.root, 'index.json'))
  if (index.manifest === manifest) return copy.kept.retain([])
  const stored = new Set<string | null>()
  if (manifest !== null) {
    for await (const { content } of filesOf(copy.nodes.load, manifest)) stored.add(rootHash(content))
  }
  const added = [...index.files.values()].flatMap(({ content }) => content ?? [])
  copy.kept.retain(added.filter(content => !stored.has(rootHash(content))))
}

function readDraft(copy: Copy, id: string): Draft {
  const found = readState<Draft & { readonly format: number }>(draftFile(copy, id))
  if (!found) throw new MlforgeError('object_missing', `Commit ${id} is not in "${copy.root}" any more.`)
  const { format: _, ...draft } = found
  return draft
}

function draftFile(copy: Copy, id: string): string {
  return join(stateFile(copy.root, 'drafts'), `${id}.json`)
}

function parentsOf({ draft, version }: Head): Parent[] {
  if (draft !== null) return [{ draft }]
  return version === null ? [] : [{ version }]
}

function textProblem(at: string, text: string, most: number): Problem[] {
  if (text.trim() === '') return [{ at, message: 'It is empty.' }]
  if (text.includes('\0')) return [{ at, message: 'It has a null character.' }]
  return text.length <= most ? [] : [{ at, message: `It is longer than ${most} characters.` }]
}
