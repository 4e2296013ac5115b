import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as breathe } from 'node:timers/promises'
import { type FileEntry, listOf } from '../../domain/data/nodes.js'
import { chunksOf } from '../../domain/data/walk.js'
import { MlforgeError } from '../../domain/errors.js'
import type { FileStat } from '../../packing/messages.js'
import { type Copy, stateFile } from './copy.js'
import { cloneFile } from './checkout-clone.js'
import { type ChunkSource, verified } from './fetch-nodes.js'
import type { LocalChunks } from './local-chunks.js'
import type { TreeChanges } from './tree-changes.js'
import { look } from './walk.js'

/** What is asked for together: bytes, chunks, and files of more than one chunk, which are open meanwhile. */
const WINDOW_BYTES = 128 * 1024 * 1024
const WINDOW_CHUNKS = 4_096
const WINDOW_FILES = 128

/** A file that is being put together beside its place. */
interface Writing {
  readonly entry: FileEntry
  readonly beside: string
  fd: number | null
  left: number
}

interface Slot {
  readonly writing: Writing
  readonly offset: number
  readonly bytes: number
}

/** What has to come for a part of the files. */
type Window = Map<string, Slot[]>

/** Files that are there already. */
export interface LocalFiles {
  readonly chunks: LocalChunks
  /** Where files of several chunks are, by their lists. */
  readonly lists: ReadonlyMap<string, string>
}

/**
 * Writes files of a version, each whole or not at all. Large ones that are there already, or several times in the
 * version, are cloned.
 * @returns each file with what it is by now
 */
export async function* writeFiles(
  copy: Copy,
  entries: readonly FileEntry[],
  source: ChunkSource,
  local: LocalFiles,
  tree: TreeChanges,
): AsyncGenerator<{ readonly entry: FileEntry; readonly stat: FileStat }> {
  const beside = stateFile(copy.root, 'tmp')
  rmSync(beside, { recursive: true, force: true })
  mkdirSync(beside)
  const open = new Set<Writing>()
  const finish = (writing: Writing) => placed(copy, writing, tree)
  try {
    const writings = entries.map((entry, i): Writing => ({
      ...{ entry, beside: join(beside, String(i)), fd: null, left: entry.bytes },
    }))
    const clone = ({ entry, beside: to }: Writing, from: string | null | undefined) =>
      from ? cloneFile(copy, entry, from, to) : false
    const sorted = sortedOut(writings)
    // First, while all that they are made from is in its place.
    const cloned: Writing[] = []
    const others: Writing[] = []
    for (const writing of sorted.once) {
      const isCloned = await clone(writing, local.lists.get(listOf(writing.entry.content) ?? ''))
      ;(isCloned ? cloned : others).push(writing)
    }
    yield* written(copy, others, source, local.chunks, open, finish)
    for (const writing of cloned) yield finish(writing)
    const left: Writing[] = []
    for (const { writing, like } of sorted.again) {
      if (await clone(writing, join(copy.root, like))) yield finish(writing)
      else left.push(writing)
    }
    yield* written(copy, left, source, local.chunks, open, finish)
  } finally {
    for (const writing of open) close(writing)
    rmSync(beside, { recursive: true, force: true })
  }
}

/** Files of several chunks that come more than once, apart, each with the path of the first one. */
function sortedOut(writings: readonly Writing[]): {
  once: Writing[]
  again: { readonly writing: Writing; readonly like: string }[]
} {
  const first = new Map<string, string>()
  const once: Writing[] = []
  const again: { writing: Writing; like: string }[] = []
  for (const writing of writings) {
    const list = listOf(writing.entry.content)
    const like = list === null ? undefined : first.get(list)
    if (like !== undefined) again.push({ writing, like })
    else {
      once.push(writing)
      if (list !== null) first.set(list, writing.entry.path)
    }
  }
  return { once, again }
}

/** Puts files together out of chunks that are here or come. */
async function* written<T>(
  copy: Copy,
  writings: readonly Writing[],
  source: ChunkSource,
  local: LocalChunks,
  open: Set<Writing>,
  finish: (writing: Writing) => T,
): AsyncGenerator<T> {
  for await (const window of windowsOf(copy, writings)) {
    const finished: Writing[] = []
    const put = (sha256: string, content: Uint8Array): void => {
      for (const { writing, offset, bytes } of window.get(sha256)!) {
        if (content.length !== bytes) throw corrupt(writing.entry, `chunk ${sha256} has another size`)
        open.add(writing)
        write(writing, content, offset)
        if (writing.left > 0) continue
        close(writing)
        open.delete(writing)
        finished.push(writing)
      }
    }
    const missing: string[] = []
    for (const sha256 of window.keys()) {
      const content = local.read(sha256)
      if (content) put(sha256, content)
      else missing.push(sha256)
    }
    const sizeOf = (sha256: string) => window.get(sha256)![0]!.bytes
    for await (const { sha256, content } of verified(source, missing, sizeOf)) put(sha256, content)
    for (const writing of finished) yield finish(writing)
    await breathe()
  }
  for (const writing of writings.filter(({ entry }) => entry.content === null)) {
    write(writing, new Uint8Array(0), 0)
    close(writing)
    yield finish(writing)
  }
}

async function* windowsOf(copy: Copy, writings: readonly Writing[]): AsyncGenerator<Window> {
  let window: Window = new Map()
  let [bytes, files] = [0, 0]
  for (const writing of writings) {
    const { entry } = writing
    if (entry.content === null) continue
    if (listOf(entry.content) !== null) files++
    let offset = 0
    for await (const chunk of chunksOf(copy.nodes.load, entry)) {
      const slots = window.get(chunk.chunk) ?? []
      if (slots.push({ writing, offset, bytes: chunk.bytes }) === 1) {
        window.set(chunk.chunk, slots)
        bytes += chunk.bytes
      }
      offset += chunk.bytes
      if (bytes < WINDOW_BYTES && window.size < WINDOW_CHUNKS) continue
      yield window
      window = new Map()
      bytes = 0
    }
    if (offset !== entry.bytes)
      throw corrupt(entry, `its chunks have ${offset} bytes instead of ${entry.bytes}`)
    if (files < WINDOW_FILES) continue
    yield window
    window = new Map()
    ;[bytes, files] = [0, 0]
  }
  yield window
}

function write(writing: Writing, content: Uint8Array, offset: number): void {
  // What may be read, and by whom, is for the umask to say.
  writing.fd ??= openSync(writing.beside, 'wx', writing.entry.isExecutable ? 0o777 : 0o666)
  for (let done = 0; done < content.length;) {
    done += writeSync(writing.fd, content, done, content.length - done, offset + done)
  }
  writing.left -= content.length
}

function close(writing: Writing): void {
  if (writing.fd !== null) closeSync(writing.fd)
  writing.fd = null
}

function placed(
  copy: Copy,
  { entry, beside }: Writing,
  tree: TreeChanges,
): { readonly entry: FileEntry; readonly stat: FileStat } {
  tree.place(beside, entry.path)
  const stat = look(copy.root, entry.path)
  if (stat?.size === entry.bytes) return { entry, stat }
  throw new MlforgeError('file_changed', `"${entry.path}" has changed while it was checked out. Try again.`)
}

function corrupt({ path }: FileEntry, why: string): MlforgeError {
  return new MlforgeError('object_corrupt', `"${path}" of the version is corrupt: ${why}.`, { path })
}
