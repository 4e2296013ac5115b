import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Page } from '../../../contracts/rest/common.js'
import type { DatasetVersion } from '../../../contracts/rest/datasets.js'
import { Dataset, Rest } from '../../../sdk/index.js'
import { TestApi } from '../../api/support/api.js'
import { Harness } from '../../support/harness.js'
import { proxyTo } from './proxy.js'

const BIKES = fileURLToPath(
  new URL('../../../../examples/bike-sharing/bike-sharing-hour.csv', import.meta.url),
)

describe('a dataset that is cut off while it is saved or loaded', () => {
  let harness: Harness
  let api: TestApi
  let rest: Rest
  let directory: string
  let csv: Dataset
  const open: Dataset[] = []
  beforeAll(async () => {
    harness = await Harness.start()
    api = await TestApi.beside(harness)
    rest = new Rest(api.url, 'mlf_operator')
    directory = await mkdtemp(join(tmpdir(), 'mlforge-interrupted-'))
    csv = await Dataset.fromCsv(BIKES)
  })
  afterAll(async () => {
    await Promise.all([...open, csv].map(each => each?.close()))
    await api?.stop()
    await harness?.stop()
    await rm(directory, { recursive: true, force: true })
  })

  const load = async (name: string): Promise<Dataset> => {
    const dataset = await Dataset.load(rest, name, { cacheDirectory: join(directory, 'cache') })
    open.push(dataset)
    return dataset
  }
  const versionsOf = async (name: string) =>
    (await rest.get<Page<DatasetVersion>>(`/v1/datasets/${name}/versions`)).items

  it('makes one version, wherever a client is killed while it saves', async () => {
    const probe = new URL('./probes/save.js', import.meta.url)
    const sends = (text: string) => (_: number, chunk: Buffer) => chunk.includes(text)
    // Bytes that come by until all has been sent.
    let sent = 0
    const whole = await proxyTo(api.url, (bytes, chunk) => {
      if (sent === 0 && chunk.includes('POST /v1/datasets/')) sent = bytes
      return false
    })
    await csv.save(new Rest(whole.url, 'mlf_operator'), 'whole')
    await whole.close()
    const moments = [
      ...[0.001, 0.3, 0.7].map(share => (bytes: number) => bytes > sent * share),
      sends('POST /v1/datasets/'),
      sends('/commits/'),
    ]
    for (const [i, isMoment] of moments.entries()) {
      let child: ReturnType<typeof fork> | undefined
      const proxy = await proxyTo(api.url, (bytes, chunk) => {
        if (isMoment(bytes, chunk)) child?.kill('SIGKILL')
        return false
      })
      const name = `killed-${i}`
      child = fork(probe, [proxy.url, 'mlf_operator', BIKES, name, directory], {
        execArgv: [],
        stdio: 'inherit',
      })
      const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
      expect([i, signal]).toEqual([i, 'SIGKILL'])
      await proxy.close()
      expect(await csv.save(rest, name)).toMatchObject({ status: 'succeeded', version: 1 })
      expect(await versionsOf(name)).toHaveLength(1)
      expect(await (await load(name)).toColumns({ columns: ['cnt'] })).toEqual(
        await csv.toColumns({ columns: ['cnt'] }),
      )
    }
  })

  it('sends and fetches again what a broken connection has cut off', async () => {
    for (const work of [
      async (through: Rest) => expect(await csv.save(through, 'cut')).toMatchObject({ version: 1 }),
      async (through: Rest) => {
        const loaded = await Dataset.load(through, 'cut', { cacheDirectory: join(directory, 'cut') })
        open.push(loaded)
        expect(await loaded.toColumns({ columns: ['cnt'] })).toEqual(
          await csv.toColumns({ columns: ['cnt'] }),
        )
      },
    ]) {
      let cuts = 0
      const proxy = await proxyTo(api.url, bytes => bytes > 60_000 * (cuts + 1) && cuts++ < 2)
      await work(new Rest(proxy.url, 'mlf_operator'))
      expect(cuts).toBeGreaterThan(1)
      await proxy.close()
    }
    expect(await versionsOf('cut')).toHaveLength(1)
    expect(await readdir(join(directory, 'cut'))).toHaveLength(1)
  })
})
