import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { MlforgeError } from '../../domain/errors.js'

/** Something that others have put somewhere, under a name of their own. */
export interface NamedFile {
  /** With `/`, below where it was looked for. */
  readonly name: string
  readonly bytes: number
  readonly modifiedMs: number
  /** When it came there under this name, or was last changed: moving an old file is new. */
  readonly changedMs: number
}

export interface WalkOptions {
  /** Whether directories below are looked into. */
  readonly deep: boolean
  readonly isWanted: (name: string) => boolean
  /** Files and directories that are looked at, wanted or not. */
  readonly limit: number
}

/**
 * Files of a directory; links are none.
 * @throws MlforgeError source_unavailable where it holds more than the limit, or the error of the file system
 */
export async function namedFiles(root: string, { deep, isWanted, limit }: WalkOptions): Promise<NamedFile[]> {
  const found: NamedFile[] = []
  const directories = ['']
  let seen = 0
  for (let below = directories.pop(); below !== undefined; below = directories.pop()) {
    for (const entry of await readdir(join(root, below), { withFileTypes: true })) {
      if (++seen > limit) {
        throw new MlforgeError(
          'source_unavailable',
          `There are more than ${limit} files and directories in ${root}. Watch a part of it, or move away what is done with.`,
        )
      }
      const name = below === '' ? entry.name : `${below}/${entry.name}`
      if (entry.isDirectory() && deep) directories.push(name)
      if (!entry.isFile() || !isWanted(name)) continue
      const file = await lstat(join(root, name)).catch(() => null)
      // Gone since it was listed, or something else by now.
      if (file === null || !file.isFile()) continue
      found.push({ name, bytes: file.size, modifiedMs: file.mtimeMs, changedMs: file.ctimeMs })
    }
  }
  return found
}
