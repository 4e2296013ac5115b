import { hash } from 'node:crypto'
import { chmodSync, closeSync, constants, fstatSync, openSync, readSync, rmSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { setImmediate as breathe } from 'node:timers/promises'
import { MAX_CHUNK } from '../../domain/data/chunker.js'
import type { FileEntry } from '../../domain/data/nodes.js'
import { chunksOf } from '../../domain/data/walk.js'
import type { Copy } from './copy.js'

/** Chunks between two turns of the event loop. */
const CHUNKS = 64

/**
 * Makes a file of a version out of one that should have the same content: where the file system can, both have the
 * same blocks. What it becomes is read and compared with its hashes.
 * @param beside where it is made
 * @returns false where the other one is not there or has other content; then nothing is made
 */
export async function cloneFile(
  { nodes }: Copy,
  entry: FileEntry,
  other: string,
  beside: string,
): Promise<boolean> {
  const buffer = new Uint8Array(MAX_CHUNK)
  let fd: number | null = null
  try {
    fd = openSync(beside, 'wx+', entry.isExecutable ? 0o777 : 0o666)
    // Of the other file it gets the permissions too.
    const { mode } = fstatSync(fd)
    await copyFile(other, beside, constants.COPYFILE_FICLONE)
    chmodSync(beside, mode & 0o777)
    let [offset, chunks] = [0, 0]
    for await (const { bytes, chunk } of chunksOf(nodes.load, entry)) {
      const content = buffer.subarray(0, bytes)
      if (readSync(fd, content, 0, bytes, offset) !== bytes) throw new Error('It is shorter.')
      if (hash('sha256', content, 'hex') !== chunk) throw new Error('It has other content.')
      offset += bytes
      if (++chunks % CHUNKS === 0) await breathe()
    }
    if (fstatSync(fd).size !== entry.bytes) throw new Error('It is longer.')
    return true
  } catch {
    rmSync(beside, { force: true })
    return false
  } finally {
    if (fd !== null) closeSync(fd)
  }
}
