import { randomUUID } from 'node:crypto'
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Work with an empty temporary file. It has no name from the beginning, so a process that is killed leaves
 * nothing behind.
 */
export async function withSpool<T>(directory: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  await mkdir(directory, { recursive: true })
  const path = join(directory, `.spool-${randomUUID()}`)
  const file = await open(path, 'wx+', 0o600)
  try {
    await rm(path)
    return await work(file)
  } finally {
    await file.close()
  }
}
