import { readFile, writeFile } from 'node:fs/promises'
import { describe } from '@jest/globals'
import type { DataCollection } from '../../contracts/rest/data-collection.js'
import { TestApi } from '../api/support/api.js'
import { Versity, versitygw } from '../stores/objects/support/versity.js'
import { eventually } from './eventually.js'
import { Harness } from './harness.js'

/** Workers and an api on a store of which nothing is kept that nothing needs. */
export class CollectionBench {
  static async start(server: Versity | null): Promise<CollectionBench> {
    const harness = await Harness.start({
      env: { MLFORGE_DATA_GRACE_MINUTES: '0', ...server?.environment() },
    })
    return new CollectionBench(harness, await TestApi.beside(harness), server)
  }

  private constructor(
    readonly harness: Harness,
    readonly api: TestApi,
    private readonly server: Versity | null,
  ) {}

  /** Asks for a collection, or the execution of one, and waits for its end. */
  async collect(path = '', body?: object): Promise<DataCollection> {
    const answer = await this.api.call('POST', `/v1/data/collections${path}`, { key: 'mlf_admin', body })
    if (answer.status !== 202) throw new Error(`The collection was refused: ${JSON.stringify(answer.body)}`)
    const { id } = answer.body as DataCollection
    return eventually(async () => {
      const found = (await this.api.call('GET', `/v1/data/collections/${id}`)).body as DataCollection
      if (['succeeded', 'refused', 'failed'].includes(found.status)) return found
      throw new Error(`Collection ${id} is ${found.status}.`)
    })
  }

  /** Flips a bit of an object, behind the back of the store. */
  async damage(uri: string): Promise<void> {
    const { server } = this
    const file = server ? server.fileOf(`${server.options().prefix}${uri}`) : this.harness.objectFile(uri)
    const bytes = await readFile(file)
    bytes[bytes.length >> 1]! ^= 0x40
    await writeFile(file, bytes)
  }

  async stop(): Promise<void> {
    await this.api.stop()
    await this.harness.stop()
    await this.server?.close()
  }
}

/** The same tests with objects in a directory, and in a bucket where there is a server for it. */
export function withEachStore(what: string, tests: (start: () => Promise<CollectionBench>) => void): void {
  describe(`${what}, of a directory`, () => {
    tests(() => CollectionBench.start(null))
  })
  const withServer = versitygw === undefined ? describe.skip : describe
  withServer(`${what}, of a bucket`, () => {
    tests(async () => CollectionBench.start(await Versity.start()))
  })
}
