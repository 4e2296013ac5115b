import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'

/** Replaces a file so that after a crash there is the old or the new one, whole: write, fsync, rename. */
export function writeDurably(path: string, text: string, mode = 0o600): void {
  mkdirSync(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}.tmp`
  const file = openSync(temporary, 'w', mode)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(temporary, path)
  const directory = openSync(dirname(path), 'r')
  fsyncSync(directory)
  closeSync(directory)
}

export function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** A secret that is made once and kept in a file that only its owner reads. */
export function keptSecret(path: string, prefix = ''): string {
  const kept = readIfPresent(path)?.trim()
  if (kept) return kept
  const secret = prefix + randomBytes(32).toString('base64url')
  writeDurably(path, `${secret}\n`)
  chmodSync(path, 0o600)
  return secret
}
