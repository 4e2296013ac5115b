import { type BigIntStats, type Dirent, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as breathe } from 'node:timers/promises'
import { isReserved } from '../../domain/data/paths.js'
import { MlforgeError, type Problem } from '../../domain/errors.js'
import type { FileStat } from '../../packing/messages.js'
import { type IgnoreRules, ignoreRules, isIgnored } from './ignore-rules.js'

const IGNORE_FILE = '.mlforgeignore'
/** Looks at the file system between two turns of the event loop. */
const LOOKS = 512

/** What there is in a directory. */
export interface Found {
  readonly files: Map<string, FileStat>
  /** What is no file, and not ignored. */
  readonly problems: Problem[]
}

/**
 * Looks through a directory. Links are not followed.
 * @param covers which paths to look at; of a directory, whether to look into it
 */
export async function walk(
  root: string,
  covers: (path: string, isDirectory: boolean) => boolean,
): Promise<Found> {
  const found: Found = { files: new Map(), problems: [] }
  let looks = 0
  const visit = async (base: string, above: readonly IgnoreRules[]): Promise<void> => {
    const entries = list(join(root, base))
    const own = entries.some(entry => entry.name === IGNORE_FILE && entry.isFile())
      ? ignoreRules(base, readFileSync(join(root, base, IGNORE_FILE), 'utf8'))
      : null
    const rules = own ? [own, ...above] : above
    for (const entry of entries) {
      const path = base + entry.name
      if (isReserved(entry.name) || !covers(path, entry.isDirectory())) continue
      if (isIgnored(entry.isDirectory() ? `${path}/` : path, rules)) continue
      if (++looks % LOOKS === 0) await breathe()
      if (entry.isDirectory()) await visit(`${path}/`, rules)
      else if (entry.isFile() && !entry.name.includes('\ufffd')) {
        const stat = lookAt(join(root, path))
        if (stat) found.files.set(path, stat)
      } else found.problems.push({ at: path, message: whyNot(entry) })
    }
  }
  await visit('', [])
  return found
}

/** A file within a directory; null where there is none, something else, or a link on the way to it. */
export function look(root: string, path: string): FileStat | null {
  const parts = path.split('/')
  for (let i = 1; i < parts.length; i++) {
    if (kindAt(join(root, ...parts.slice(0, i))) !== 'directory') return null
  }
  return lookAt(join(root, path))
}

/** What stands somewhere, links not followed. */
export function kindAt(file: string): 'nothing' | 'file' | 'directory' | 'link' | 'other' {
  const stat = statOf(file)
  if (!stat) return 'nothing'
  if (stat.isFile()) return 'file'
  if (stat.isDirectory()) return 'directory'
  return stat.isSymbolicLink() ? 'link' : 'other'
}

function lookAt(file: string): FileStat | null {
  const stat = statOf(file)
  if (!stat?.isFile()) return null
  return {
    size: Number(stat.size),
    mtimeNs: String(stat.mtimeNs),
    ctimeNs: String(stat.ctimeNs),
    ino: String(stat.ino),
    mode: Number(stat.mode),
  }
}

function statOf(file: string): BigIntStats | undefined {
  try {
    return lstatSync(file, { bigint: true, throwIfNoEntry: false })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined
    throw error
  }
}

function list(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    if (code !== 'EACCES' && code !== 'EPERM') throw error
    throw new MlforgeError(
      'forbidden',
      `Directory "${directory}" may not be read. Change its permissions, or name it in ${IGNORE_FILE}.`,
    )
  }
}

function whyNot(entry: Dirent): string {
  const what = entry.isSymbolicLink()
    ? 'It is a link, and versions hold files only. Put the file itself there'
    : entry.isFile()
      ? 'Its name is not UTF-8. Rename it'
      : 'It is neither a file nor a directory. Remove it'
  return `${what}, or name it in ${IGNORE_FILE}.`
}
