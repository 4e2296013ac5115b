import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DataClient } from '../../../sdk/data/data-client.js'
import { WorkingCopy } from '../../../sdk/data/working-copy.js'
import { Rest } from '../../../sdk/rest.js'
import { TestApi } from '../../api/support/api.js'
import { Harness } from '../../support/harness.js'

export const WHO = { author: 'somebody', at: new Date('2026-01-01T00:00:00Z') }

/** A client of a real API, and working copies. */
export class ClientBench {
  private readonly copies: WorkingCopy[] = []

  private constructor(
    readonly harness: Harness,
    readonly api: TestApi,
    readonly client: DataClient,
    readonly directory: string,
  ) {}

  static async start(): Promise<ClientBench> {
    const harness = await Harness.start()
    try {
      const api = await TestApi.beside(harness)
      const directory = await mkdtemp(join(tmpdir(), 'mlforge-client-'))
      return new ClientBench(harness, api, new DataClient(new Rest(api.url, 'mlf_operator')), directory)
    } catch (error) {
      await harness.stop()
      throw error
    }
  }

  /** Ends what a test has opened. */
  async closeCopies(): Promise<void> {
    await Promise.all(this.copies.splice(0).map(copy => copy.close()))
  }

  async stop(): Promise<void> {
    await this.api.stop()
    await this.harness.stop()
    await rm(this.directory, { recursive: true, force: true })
  }

  async copyAt(name: string, dataset: string): Promise<WorkingCopy> {
    await mkdir(join(this.directory, name), { recursive: true })
    const copy = WorkingCopy.init(join(this.directory, name), dataset)
    this.copies.push(copy)
    return copy
  }

  /** The bytes of a file of a version. */
  async fileOf(dataset: string, selector: string, path: string): Promise<Buffer> {
    const file = join(this.directory, 'one file')
    await this.client.fileTo(dataset, selector, path, file)
    return readFile(file)
  }
}

export async function write(copy: WorkingCopy, path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(copy.root, path)), { recursive: true })
  await writeFile(join(copy.root, path), content)
}

/** Whether each file of a working copy may be executed, and its bytes, by path. */
export async function filesOf({ root }: WorkingCopy): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile() || path.includes('.mlforge-data')) continue
    const { mode } = await stat(path)
    found[path.slice(root.length + 1)] = `${mode & 0o100} ${(await readFile(path)).toString('base64')}`
  }
  return found
}
