import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createHash } from 'node:crypto'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { MlforgeError } from '../../domain/errors.js'
import type { ServedContent } from '../../domain/serving/served-version.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { syncDirectory } from '../files.js'

const FETCH_MS = 60_000

type Ending = '.onnx' | '.json'

/** Models, and transformations before them, on this replica's own disk, by the hash of their bytes: what it serves when the object store is away. */
export class ModelFiles {
  constructor(
    private readonly directory: string,
    private readonly objects: ObjectStore,
  ) {}

  path = (sha256: string, ending: Ending): string => join(this.directory, `${sha256}${ending}`)

  /**
   * Makes sure that a file is here, whole.
   * @throws MlforgeError object_missing, object_corrupt
   */
  async ensure({ uri, sha256 }: ServedContent, ending: Ending): Promise<void> {
    const path = this.path(sha256, ending)
    if (await isWhole(path, sha256)) return
    await mkdir(this.directory, { recursive: true })
    const temporary = join(this.directory, `${randomUUID()}.part`)
    try {
      const signal = AbortSignal.timeout(FETCH_MS)
      const hash = createHash('sha256')
      const file = await open(temporary, 'wx', 0o600)
      try {
        await pipeline(await this.objects.open(uri, { signal }), async chunks => {
          for await (const chunk of chunks as AsyncIterable<Uint8Array>) {
            hash.update(chunk)
            await file.writeFile(chunk)
          }
        })
        await file.sync()
      } finally {
        await file.close()
      }
      const found = hash.digest('hex')
      if (found !== sha256) {
        throw new MlforgeError(
          'object_corrupt',
          `Object ${uri} hashes to ${found}, and the plan wants one of ${sha256}.`,
        )
      }
      await rename(temporary, path)
      await syncDirectory(this.directory)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
  }

  /** Removes files that are not of these hashes, and what killed fetches left. */
  async keepOnly(hashes: ReadonlySet<string>): Promise<void> {
    for (const name of await readdir(this.directory).catch(() => [])) {
      if (!hashes.has(name.replace(/\.(onnx|json)$/, '')))
        await rm(join(this.directory, name), { force: true })
    }
  }
}

async function isWhole(path: string, sha256: string): Promise<boolean> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  } catch {
    return false
  }
  return hash.digest('hex') === sha256
}
