import type { ContentRoot, FileEntry } from '../../domain/data/nodes.js'
import { comparePaths } from '../../domain/data/paths.js'
import type { FileStat } from '../../packing/messages.js'
import { readState, writeState } from './state.js'

/** A file as it was added, and what says without reading it whether it is still the same. */
export interface IndexEntry extends FileEntry {
  readonly mtimeNs: string
  readonly ctimeNs: string
  readonly ino: string
  /** It may have changed since without a trace, as its times are not before it was read. */
  readonly isRacy: boolean
}

export type Index = Map<string, IndexEntry>

type Row = readonly [string, number, string, string, string, 0 | 1, 0 | 1, string | null]

/** The index as it is on disk. */
export interface IndexFile {
  readonly files: Index
  /** Root of the manifest that these files make, where that is known. */
  readonly manifest: string | null
}

export function readIndexFile(file: string): IndexFile {
  const state = readState<{ readonly files: readonly Row[]; readonly manifest: string | null }>(file)
  return {
    files: new Map(state?.files.map(row => [row[0], entryOf(row)])),
    manifest: state?.manifest ?? null,
  }
}

export function readIndex(file: string): Index {
  return readIndexFile(file).files
}

export function writeIndex(file: string, index: Index, manifest: string | null): void {
  const entries = [...index.values()].toSorted((a, b) => comparePaths(a.path, b.path))
  writeState(file, { manifest, files: entries.map(rowOf) })
}

/**
 * What is known of a file that was read.
 * @param asOf when it was not yet read, by the clock of the file system: a file that changes again within one
 *   tick of it has the same times ("racy git": git's Documentation/technical/racy-git.txt)
 */
export function indexEntry(
  path: string,
  content: ContentRoot | null,
  stat: FileStat,
  asOf: bigint,
): IndexEntry {
  return {
    path,
    bytes: stat.size,
    isExecutable: isExecutable(stat),
    content,
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
    ino: stat.ino,
    isRacy: BigInt(stat.mtimeNs) >= asOf || BigInt(stat.ctimeNs) >= asOf,
  }
}

/** Whether a file needs not be read to know that it is as it was added. */
export function isUntouched(entry: IndexEntry, stat: FileStat): boolean {
  return (
    !entry.isRacy &&
    entry.bytes === stat.size &&
    entry.mtimeNs === stat.mtimeNs &&
    entry.ctimeNs === stat.ctimeNs &&
    entry.ino === stat.ino &&
    entry.isExecutable === isExecutable(stat)
  )
}

export function isExecutable({ mode }: Pick<FileStat, 'mode'>): boolean {
  return (mode & 0o100) !== 0
}

function rowOf({
  path,
  bytes,
  mtimeNs,
  ctimeNs,
  ino,
  isExecutable: executable,
  isRacy,
  content,
}: IndexEntry): Row {
  const root = content && ('chunk' in content ? `c${content.chunk}` : `l${content.list}`)
  return [path, bytes, mtimeNs, ctimeNs, ino, executable ? 1 : 0, isRacy ? 1 : 0, root]
}

function entryOf([path, bytes, mtimeNs, ctimeNs, ino, executable, racy, root]: Row): IndexEntry {
  const hash = root?.slice(1) ?? ''
  const content = root === null ? null : root.startsWith('c') ? { chunk: hash } : { list: hash }
  return { path, bytes, isExecutable: executable === 1, content, mtimeNs, ctimeNs, ino, isRacy: racy === 1 }
}
