import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { MlforgeError } from '../domain/errors.js'
import type { FileStat } from './messages.js'

/** A file that is read by its positions, and must stay as it is meanwhile. */
export interface OpenFile {
  readonly file: string
  readonly stat: FileStat
  /** Fills `into` with the bytes from a position on, which are in the file by its size. */
  read(into: Uint8Array, position: number): void
}

// A link would lead elsewhere, and a pipe would wait for its writer.
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * Works on a file while it is open.
 * @throws MlforgeError file_changed where it is not the same afterwards; not_found, forbidden and invalid_request
 *   where it cannot be read
 */
export function withFile<T>(file: string, work: (open: OpenFile) => T): T {
  const fd = attempt(file, () => openSync(file, FLAGS))
  try {
    const stat = statOf(file, fd)
    const result = work({ file, stat, read: (into, position) => readAll(file, fd, into, position) })
    expectSame(file, stat, statOf(file, fd))
    return result
  } finally {
    closeSync(fd)
  }
}

/** @throws MlforgeError file_changed */
export function expectSame(file: string, before: FileStat, now: FileStat): void {
  const isSame =
    before.size === now.size &&
    before.mtimeNs === now.mtimeNs &&
    before.ctimeNs === now.ctimeNs &&
    before.ino === now.ino
  if (!isSame) throw changed(file)
}

export function changed(file: string): MlforgeError {
  return new MlforgeError(
    'file_changed',
    `"${file}" has changed while it was read. Add it again when nothing writes to it.`,
    { file },
  )
}

function statOf(file: string, fd: number): FileStat {
  const stat = attempt(file, () => fstatSync(fd, { bigint: true }))
  if (!stat.isFile()) {
    throw new MlforgeError('invalid_request', `"${file}" is no regular file. Leave it out.`, { file })
  }
  return {
    size: Number(stat.size),
    mtimeNs: String(stat.mtimeNs),
    ctimeNs: String(stat.ctimeNs),
    ino: String(stat.ino),
    mode: Number(stat.mode),
  }
}

function readAll(file: string, fd: number, into: Uint8Array, position: number): void {
  for (let done = 0; done < into.length;) {
    const read = attempt(file, () => readSync(fd, into, done, into.length - done, position + done))
    if (read === 0) throw changed(file)
    done += read
  }
}

function attempt<T>(file: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw readable(file, error as NodeJS.ErrnoException)
  }
}

function readable(file: string, error: NodeJS.ErrnoException): MlforgeError {
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new MlforgeError('not_found', `"${file}" is not there. It may have been removed or renamed.`, {
        file,
      })
    case 'EACCES':
    case 'EPERM':
      return new MlforgeError('forbidden', `"${file}" may not be read. Change its permissions.`, { file })
    case 'EISDIR':
    case 'ELOOP':
    case 'ENXIO':
      return new MlforgeError('invalid_request', `"${file}" is no regular file. Leave it out.`, { file })
    default:
      return new MlforgeError('unavailable', `"${file}" could not be read: ${error.message}. Try again.`, {
        file,
      })
  }
}
