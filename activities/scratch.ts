import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fullDisk } from '../stores/full-disk.js'

/** Runs work in a directory of its own, which is gone afterwards. */
export async function withScratch<T>(base: string, work: (directory: string) => Promise<T>): Promise<T> {
  let directory: string | undefined
  try {
    await mkdir(base, { recursive: true })
    directory = await mkdtemp(join(base, `${process.pid}-`))
    return await work(directory)
  } catch (error) {
    throw fullDisk(error, base) ?? error
  } finally {
    if (directory !== undefined) await rm(directory, { recursive: true, force: true })
  }
}

/** Removes what workers that were killed have left: directories are named after their process. */
export async function sweepScratch(base: string, isAlive: (pid: number) => boolean): Promise<void> {
  await mkdir(base, { recursive: true })
  for (const name of await readdir(base)) {
    if (!isAlive(Number(name.split('-')[0]))) await rm(join(base, name), { recursive: true, force: true })
  }
}
