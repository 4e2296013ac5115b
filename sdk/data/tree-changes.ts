import { mkdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { MlforgeError } from '../../domain/errors.js'
import { kindAt } from './walk.js'

/** Puts files into a directory and takes them out, and never goes through a link. */
export class TreeChanges {
  /** Directories that were looked at. */
  private readonly real = new Set<string>([''])

  constructor(private readonly root: string) {}

  /** Moves a file to its place. An empty directory there gives way. */
  place(file: string, path: string): void {
    this.makeDirectory(parentOf(path))
    const to = join(this.root, path)
    try {
      renameSync(file, to)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EXDEV') {
        throw inTheWay(path, 'its directory is on another file system than the working directory')
      }
      if (code !== 'EISDIR' && code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error
      this.real.clear()
      this.real.add('')
      if (!removeEmpty(to)) throw inTheWay(path, 'a directory that is not empty stands there')
      renameSync(file, to)
    }
  }

  /** Removes a file, and the directories that are empty without it. */
  remove(path: string): void {
    for (let above = parentOf(path); above !== ''; above = parentOf(above)) {
      if (!this.real.has(above) && kindAt(join(this.root, above)) === 'link') return
    }
    try {
      unlinkSync(join(this.root, path))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error
    }
    for (let above = parentOf(path); above !== ''; above = parentOf(above)) {
      this.real.delete(above)
      if (!removeEmpty(join(this.root, above))) return
    }
  }

  private makeDirectory(path: string): void {
    if (this.real.has(path)) return
    this.makeDirectory(parentOf(path))
    const kind = kindAt(join(this.root, path))
    if (kind === 'nothing') mkdirSync(join(this.root, path))
    else if (kind !== 'directory') throw inTheWay(path, `a ${kind} stands where a directory has to be`)
    this.real.add(path)
  }
}

function parentOf(path: string): string {
  const parent = dirname(path)
  return parent === '.' ? '' : parent
}

function removeEmpty(directory: string): boolean {
  try {
    rmdirSync(directory)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOENT' || code === 'ENOTDIR') return false
    throw error
  }
}

function inTheWay(path: string, why: string): MlforgeError {
  return new MlforgeError(
    'wrong_state',
    `"${path}" could not be written: ${why}. Move it away and try again.`,
  )
}
