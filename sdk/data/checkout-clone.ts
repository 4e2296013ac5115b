import { chmodSync, closeSync, constants, fstatSync, openSync, rmSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { contentOf } from '../../domain/data/build.js'
import { type FileEntry, rootHash } from '../../domain/data/nodes.js'
import type { Copy } from './copy.js'
import { nodeHash } from './local-nodes.js'

/**
 * Makes a file of a version out of one that should have the same content: where the file system can, both have the
 * same blocks. What it becomes is read, by threads, and compared with what it has to be.
 * @param beside where it is made
 * @returns false where the other one is not there or has other content; then nothing is made
 */
export async function cloneFile(
  { packing }: Copy,
  entry: FileEntry,
  other: string,
  beside: string,
): Promise<boolean> {
  try {
    const fd = openSync(beside, 'wx', entry.isExecutable ? 0o777 : 0o666)
    // Of the other file it gets the permissions too.
    const { mode } = fstatSync(fd)
    closeSync(fd)
    await copyFile(other, beside, constants.COPYFILE_FICLONE)
    chmodSync(beside, mode & 0o777)
    for await (const { chunks } of packing.scan([beside])) {
      if (rootHash(contentOf(chunks, nodeHash)) === rootHash(entry.content)) return true
    }
  } catch {
    // Whatever is the matter, the file is put together out of its chunks instead, which says so too.
  }
  rmSync(beside, { force: true })
  return false
}
