import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Replaces a file so that after a crash there is the old or the new one, whole: write, fsync, rename. */
export async function writeDurably(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await prepare(path, text)
  await rename(prepared(path), path)
  await syncDirectory(dirname(path))
}

/**
 * The same, for a file that is also replaced by `replaceNow`: `current` is asked at the last moment whether
 * the text still holds. False when it did not, and nothing was replaced.
 */
export async function writeDurablyIf(path: string, text: string, current: () => boolean): Promise<boolean> {
  await prepare(path, text)
  if (!current()) return false
  renameSync(prepared(path), path)
  await syncDirectory(dirname(path))
  return true
}

/** Replaces a file at once; a kill of the process loses nothing of it, a loss of power may. */
export function replaceNow(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(`${path}.now`, text, { mode: 0o600 })
  renameSync(`${path}.now`, path)
}

/** The parsed content of a file; undefined where there is none, or none that is whole. */
export async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

const prepared = (path: string): string => `${path}.new`

async function prepare(path: string, text: string): Promise<void> {
  const file = await open(prepared(path), 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}
