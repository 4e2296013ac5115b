import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { isSameFile } from '../../domain/data/nodes.js'
import { collisions, pathProblem } from '../../domain/data/paths.js'
import { chunksOf } from '../../domain/data/walk.js'
import type { Problem } from '../../domain/errors.js'
import type { ScanOptions } from '../../packing/packing.js'
import { type Copy, locked, refuse, stateFile } from './copy.js'
import { type Index, isUntouched, readIndexFile, writeIndex } from './index-file.js'
import { readFiles } from './scan-files.js'
import { storedChunks } from './stored-chunks.js'
import { look, walk } from './walk.js'

/** After so much the index is written, so that a kill leaves less to be read again. */
const CHECKPOINT_BYTES = 1024 * 1024 * 1024

/** Numbers of files. */
export interface Added {
  readonly added: number
  readonly changed: number
  readonly removed: number
  readonly unchanged: number
  /** Bytes that had to be read. */
  readonly bytesRead: number
}

export function addFiles(copy: Copy, paths: readonly string[] | 'all', options: ScanOptions): Promise<Added> {
  return locked(copy, async asOf => {
    const indexFile = stateFile(copy.root, 'index.json')
    const { files: before, manifest } = readIndexFile(indexFile)
    const scopes = paths === 'all' ? [''] : scopesOf(copy.root, paths)
    const covers = (path: string): boolean =>
      scopes.some(scope => scope === '' || path === scope || path.startsWith(`${scope}/`))
    const { files, problems } = await walk(
      copy.root,
      (path, isDirectory) =>
        covers(path) || (isDirectory && scopes.some(scope => scope.startsWith(`${path}/`))),
    )
    // What is ignored now and was added before stays.
    for (const path of before.keys()) {
      const stat = covers(path) && !files.has(path) ? look(copy.root, path) : null
      if (stat) files.set(path, stat)
    }
    const index: Index = new Map([...before].filter(([path]) => !covers(path)))
    const all = [...index.keys(), ...files.keys()]
    const isKnown = (scope: string): boolean =>
      [...before.keys(), ...files.keys()].some(path => path === scope || path.startsWith(`${scope}/`))
    const unknown = scopes
      .filter(
        scope =>
          scope !== '' &&
          !problems.some(({ at }) => at === scope || at.startsWith(`${scope}/`)) &&
          !isKnown(scope),
      )
      .map(scope => ({ at: scope, message: 'There is no file of this path, or it is ignored.' }))
    refuse('Nothing was added.', [
      ...problems,
      ...unknown,
      ...[...files.keys()].flatMap((path): Problem[] => {
        const message = pathProblem(path)
        return message === null ? [] : [{ at: path, message }]
      }),
      ...collisions(all),
    ])

    const toRead: string[] = []
    for (const [path, stat] of files) {
      const entry = before.get(path)
      if (entry && isUntouched(entry, stat)) index.set(path, entry)
      else toRead.push(path)
    }
    const counts = { added: 0, changed: 0, bytesRead: 0 }
    let checkpoint = CHECKPOINT_BYTES
    const scan = { ...options, withContent: true }
    for await (const { entry, content } of readFiles(copy, toRead, asOf, copy.nodes.keep, scan)) {
      const was = before.get(entry.path)
      if (!was) counts.added++
      else if (!isSameFile(was, entry)) counts.changed++
      index.set(entry.path, entry)
      counts.bytesRead += entry.bytes
      copy.nodes.flushMuch()
      // What was there before is kept already, or in the store.
      if (!was || !isSameFile(was, entry)) {
        await copy.kept.keep(join(copy.root, entry.path), entry, content, {
          chunks: () => chunksOf(copy.nodes.load, entry),
          stored: () => storedChunks(copy, entry.path),
        })
      }
      if (counts.bytesRead < checkpoint) continue
      checkpoint = counts.bytesRead + CHECKPOINT_BYTES
      copy.nodes.flush()
      copy.kept.flush()
      writeIndex(indexFile, withRest(index, before, files), null)
    }
    const removed = [...before.keys()].filter(path => !index.has(path)).length
    const isSame = counts.added + counts.changed + removed === 0
    copy.nodes.flush()
    copy.kept.flush()
    if (toRead.length + removed > 0) writeIndex(indexFile, index, isSame ? manifest : null)
    return { ...counts, removed, unchanged: files.size - counts.added - counts.changed }
  })
}

/** Files that are not read again yet are as they were added before. */
function withRest(index: Index, before: Index, files: ReadonlyMap<string, unknown>): Index {
  const rest = [...before].filter(([path]) => files.has(path) && !index.has(path))
  return new Map([...index, ...rest])
}

/** Paths within the directory, as versions have them. */
function scopesOf(root: string, paths: readonly string[]): string[] {
  const scopes = paths.map(path => relative(root, resolve(root, path)).split(sep).join('/'))
  refuse(
    'Nothing was added.',
    scopes.flatMap((scope, i): Problem[] =>
      isAbsolute(scope) || scope === '..' || scope.startsWith('../')
        ? [{ at: paths[i]!, message: `It is not within "${root}".` }]
        : [],
    ),
  )
  return scopes
}
