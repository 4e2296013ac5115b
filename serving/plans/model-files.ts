import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createHash } from 'node:crypto'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { MlforgeError } from '../../domain/errors.js'
import type { ServedVersion } from '../../domain/serving/served-version.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { syncDirectory } from '../files.js'

const FETCH_MS = 60_000

/** Models on this replica's own disk, by the hash of their bytes: what it serves when the object store is away. */
export class ModelFiles {
  constructor(
    private readonly directory: string,
    private readonly objects: ObjectStore,
  ) {}

  path = (sha256: string): string => join(this.directory, `${sha256}.onnx`)

  /**
   * Makes sure that a model is here, whole.
   * @throws MlforgeError object_missing, object_corrupt
   */
  async ensure({ onnx }: ServedVersion): Promise<void> {
    if (await this.isWhole(onnx.sha256)) return
    await mkdir(this.directory, { recursive: true })
    const temporary = join(this.directory, `${randomUUID()}.part`)
    try {
      const signal = AbortSignal.timeout(FETCH_MS)
      const hash = createHash('sha256')
      const file = await open(temporary, 'wx', 0o600)
      try {
        await pipeline(await this.objects.open(onnx.uri, { signal }), async chunks => {
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
      if (found !== onnx.sha256) {
        throw new MlforgeError(
          'object_corrupt',
          `Object ${onnx.uri} hashes to ${found}, and the plan wants a model of ${onnx.sha256}.`,
        )
      }
      await rename(temporary, this.path(onnx.sha256))
      await syncDirectory(this.directory)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
  }

  /** Removes models that are not among these, and what killed fetches left. */
  async keepOnly(hashes: ReadonlySet<string>): Promise<void> {
    for (const name of await readdir(this.directory).catch(() => [])) {
      if (!hashes.has(name.replace(/\.onnx$/, ''))) await rm(join(this.directory, name), { force: true })
    }
  }

  private async isWhole(sha256: string): Promise<boolean> {
    const hash = createHash('sha256')
    try {
      for await (const chunk of createReadStream(this.path(sha256))) hash.update(chunk as Buffer)
    } catch {
      return false
    }
    return hash.digest('hex') === sha256
  }
}
