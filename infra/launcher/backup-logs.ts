import { constants } from 'node:fs'
import { copyFile, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** The folder in the state directory, and in a backup, where each replica has a directory of its own. */
export const SERVING = 'serving'

/**
 * Copies what replicas have logged and not yet handed over: who each is, and its segments. To be called
 * while nobody can write to Postgres, so that each segment is in the database, in the copy, or the same in
 * both. Plans, keys and models are caches, which a replica fetches again.
 * @returns names of the files, below `to`
 */
export async function copyPredictionLogs(stateDirectory: string, to: string): Promise<string[]> {
  const copied: string[] = []
  const copy = async (name: string) => {
    const isThere = await copyIfThere(join(stateDirectory, name), join(to, name))
    if (isThere) copied.push(name)
    return isThere
  }
  for (const replica of await list(join(stateDirectory, SERVING))) {
    const segments = `${SERVING}/${replica}/segments`
    await mkdir(join(to, segments), { recursive: true, mode: 0o700 })
    // Its counters first: they may lag behind the segments, never be ahead of those that are copied.
    if (!(await copy(`${SERVING}/${replica}/replica.json`))) continue
    const names = (await list(join(stateDirectory, segments))).filter(name =>
      /^\d+\.(open|sealed)$/.test(name),
    )
    const numbers = new Set(names.map(name => Number.parseInt(name, 10)))
    for (const number of [...numbers].toSorted((a, b) => a - b)) {
      // One that is being written may be sealed at this moment, which only gives it its other name.
      if (!(await copy(`${segments}/${number}.open`))) await copy(`${segments}/${number}.sealed`)
      await copy(`${segments}/${number}.json`)
    }
  }
  return copied
}

/** False for a file that is not there, such as a segment that was handed over a moment ago. */
async function copyIfThere(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

async function list(directory: string): Promise<string[]> {
  return readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
    throw error
  })
}
