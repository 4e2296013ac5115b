import { filesOf } from '../../domain/data/walk.js'
import { type FileEntry, isSameFile } from '../../domain/data/nodes.js'
import { comparePaths } from '../../domain/data/paths.js'
import type { Problem } from '../../domain/errors.js'
import { type Copy, type Head, killedCheckout, readHead, stateFile } from './copy.js'
import { isExecutable, isUntouched, readIndexFile } from './index-file.js'
import { nodeHash } from './local-nodes.js'
import { readFiles } from './scan-files.js'
import { look, walk } from './walk.js'

/** Paths, in order. */
export interface Status {
  readonly head: Head
  /** A checkout was killed: some files may be of its version. Check out that version, or another one, again. */
  readonly isInterrupted: boolean
  /** What a commit would record: the index against the head. */
  readonly staged: { readonly added: string[]; readonly changed: string[]; readonly removed: string[] }
  /** What `add` would record: the files against the index. */
  readonly unstaged: { readonly changed: string[]; readonly removed: string[] }
  /** Files that were never added, and are not ignored. */
  readonly untracked: string[]
  /** What `add` would refuse. */
  readonly problems: readonly Problem[]
}

export async function statusOf(copy: Copy): Promise<Status> {
  const head = readHead(copy.root)
  const { files: index, manifest } = readIndexFile(stateFile(copy.root, 'index.json'))
  const { files, problems } = await walk(copy.root, () => true)

  const committed = manifest === head.manifest && manifest ? index : await filesAt(copy, head.manifest)
  const added: string[] = []
  const changed: string[] = []
  for (const entry of index.values()) {
    const was = committed.get(entry.path)
    if (!was) added.push(entry.path)
    else if (!isSameFile(was, entry)) changed.push(entry.path)
  }
  const removed = [...committed.keys()].filter(path => !index.has(path))

  const differing: string[] = []
  const missing: string[] = []
  const toRead: string[] = []
  for (const entry of index.values()) {
    const stat = files.get(entry.path) ?? look(copy.root, entry.path)
    if (!stat) missing.push(entry.path)
    else if (isUntouched(entry, stat)) continue
    else if (stat.size !== entry.bytes || isExecutable(stat) !== entry.isExecutable)
      differing.push(entry.path)
    else toRead.push(entry.path)
  }
  for await (const { entry: found } of readFiles(copy, toRead, 0n, nodeHash)) {
    if (!isSameFile(found, index.get(found.path)!)) differing.push(found.path)
  }
  return {
    head,
    isInterrupted: killedCheckout(copy.root) !== null,
    staged: { added: inOrder(added), changed: inOrder(changed), removed: inOrder(removed) },
    unstaged: { changed: inOrder(differing), removed: inOrder(missing) },
    untracked: inOrder([...files.keys()].filter(path => !index.has(path))),
    problems,
  }
}

/** The files of a version whose nodes are kept here. */
export async function filesAt(copy: Copy, manifest: string | null): Promise<Map<string, FileEntry>> {
  const files = new Map<string, FileEntry>()
  if (manifest === null) return files
  for await (const file of filesOf(copy.nodes.load, manifest)) files.set(file.path, file)
  return files
}

function inOrder(paths: string[]): string[] {
  return paths.sort(comparePaths)
}
