import { chmod, writeFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { writeSequence } from '../../domain/runs/run-status.js'
import { sha256Hex } from '../../stores/ids.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import { TestApi } from './support/api.js'
import { objectsOf, seedDataset, seedModel, table } from './support/seed.js'

describe('what has been made', () => {
  let api: TestApi
  beforeAll(async () => {
    api = await TestApi.start()
    await seedDataset(api, 'bikes', table(5))
    await seedDataset(api, 'bikes', table(6))
    await seedModel(api, 'rides', 'model one')
    await seedModel(api, 'rides', 'model two')
  })
  afterAll(() => api.close())

  const get = async <T>(path: string) => (await api.call('GET', path, { key: 'mlf_viewer' })).body as T
  const download = (path: string, headers: Record<string, string> = {}) =>
    fetch(api.url + path, { headers: { authorization: 'Bearer mlf_viewer', ...headers } })

  it('lists datasets with their latest version, and versions newest first', async () => {
    expect(await get('/v1/datasets')).toMatchObject({ items: [{ name: 'bikes', latestVersion: 2 }] })
    const { items } = await get<{ items: { version: number; parents: string[]; root: string }[] }>(
      '/v1/datasets/bikes/versions',
    )
    expect(items.map(item => item.version)).toEqual([2, 1])
    expect(items[0]!.parents).toEqual([items[1]!.root])
    expect(await get('/v1/datasets/bikes/versions/latest')).toEqual(
      await get('/v1/datasets/bikes/versions/2'),
    )
  })

  it('shows rows by page, with their types', async () => {
    expect(await get('/v1/datasets/bikes/versions/1/rows?offset=4&limit=2')).toEqual({
      columns: ['day', 'hour', 'temp', 'label', 'same', 'gap', 'cnt'],
      rows: [
        ['2011-01-02', 0, 0.2, 'l0', 1, null, 2],
        ['2011-01-02', 6, 0.2, 'l6', 1, 6, 62],
      ],
      offset: 4,
      total: 20,
    })
  })

  it('downloads the very bytes, under their hash', async () => {
    const { artifacts } = await get<{
      artifacts: { name: string; sha256: string; bytes: number; href: string }[]
    }>('/v1/datasets/bikes/versions/2')
    for (const artifact of artifacts) {
      const response = await download(artifact.href)
      const bytes = new Uint8Array(await response.arrayBuffer())
      expect(sha256Hex(bytes)).toBe(artifact.sha256)
      expect(response.headers.get('content-length')).toBe(String(artifact.bytes))
      expect(response.headers.get('etag')).toBe(`"${artifact.sha256}"`)
      const known = await download(artifact.href, { 'if-none-match': `"${artifact.sha256}"` })
      expect(known.status).toBe(304)
    }
    expect(artifacts.map(each => each.name)).toEqual(['raw.csv', 'data.parquet'])
    expect(await (await download(artifacts[0]!.href)).text()).toBe(table(6))
  })

  it('counts rows that could not be read, and hands them out as they were', async () => {
    await seedDataset(api, 'spoilt', `a,b\n${'1,x\n'.repeat(20)}oops,y\n`)
    const version = await get<{ artifacts: { name: string; href: string; contentType: string }[] }>(
      '/v1/datasets/spoilt/versions/1',
    )
    expect(version).toMatchObject({
      rows: 20,
      quarantined: 1,
      reading: { format: 'csv', encoding: 'utf-8', delimiter: ',', quote: '"', header: true, ragged: false },
    })
    expect(version.artifacts.map(({ name }) => name)).toEqual(['raw.csv', 'data.parquet', 'quarantine.jsonl'])
    const { href, contentType } = version.artifacts.at(-1)!
    expect(contentType).toBe('application/x-ndjson')
    expect(JSON.parse(await (await download(href)).text())).toMatchObject({
      row: 21,
      line: 22,
      raw: 'oops,y',
    })
    expect(await get('/v1/datasets/bikes/versions/1')).toMatchObject({ quarantined: 0 })
  })

  it('shows models with aliases, and moves aliases with who, when and why', async () => {
    const put = (version: number, reason: string) =>
      api.call('PUT', '/v1/models/rides/aliases/champion', { body: { version, reason } })
    expect(await put(1, 'first')).toMatchObject({ status: 200, body: { alias: 'champion', version: 1 } })
    expect(await put(2, 'better')).toMatchObject({ status: 200 })
    expect(await put(2, 'again')).toMatchObject({ status: 200 })
    expect(await put(9, 'none')).toMatchObject({ status: 404, body: { code: 'not_found' } })
    expect(await get('/v1/models/rides')).toMatchObject({ latestVersion: 2, aliases: { champion: 2 } })
    expect(await get('/v1/models/rides/versions/latest')).toMatchObject({ version: 2, aliases: ['champion'] })
    const gone = await api.call('DELETE', '/v1/models/rides/aliases/champion?reason=over')
    expect(gone.status).toBe(204)
    expect(await api.call('DELETE', '/v1/models/rides/aliases/champion')).toMatchObject({ status: 400 })
    const { items } = await get<{ items: unknown[] }>('/v1/models/rides/aliases/champion/history')
    expect(items).toMatchObject([
      { fromVersion: 2, toVersion: null, reason: 'over', principal: 'key:operator' },
      { fromVersion: 1, toVersion: 2, reason: 'better' },
      { fromVersion: null, toVersion: 1, reason: 'first' },
    ])
    expect(await get('/v1/models/rides/aliases')).toEqual([])
  })

  it('downloads a model, and says which artifacts there are instead of another', async () => {
    expect(await (await download('/v1/models/rides/versions/1/artifacts/model.ubj')).text()).toBe('model one')
    const missing = await api.call('GET', '/v1/models/rides/versions/1/artifacts/model.onx', {
      key: 'mlf_viewer',
    })
    expect(missing).toMatchObject({ status: 404, body: { detail: expect.stringMatching(/model\.ubj/) } })
  })

  it('sends the archived history of a run that has ended, without Temporal', async () => {
    const runs = new RunStore(api.database.dataSource)
    const { run } = await runs.accept({
      project: 'default',
      kind: 'training',
      name: 'rides',
      request: {},
      principal: 'key:admin',
      trigger: 'api',
      retryPolicy: { codes: [], maxAttempts: 0, delaySeconds: 0 },
    })
    await runs.update(run.id, writeSequence(1, 'closing'), { status: 'succeeded', stage: 'done' })
    const { uri } = await objectsOf(api).write('default', gzipSync('{"events":[{"eventId":"1"}]}'))
    await runs.archived(run.id, 1, uri)
    for (const path of ['operations', 'trainings']) {
      expect(await get(`/v1/${path}/${run.id}/history`)).toEqual({ events: [{ eventId: '1' }] })
    }
  })

  it('never passes a corrupt object for whole: small ones are refused, large ones cut off', async () => {
    const large = 'sound bytes '.repeat(1_000_000)
    for (const [name, bytes] of [
      ['small', 'sound bytes'],
      ['large', large],
    ] as const) {
      const version = await seedModel(api, name, bytes)
      const { artifacts } = await get<{ artifacts: { sha256: string; href: string }[] }>(
        `/v1/models/${name}/versions/${version}`,
      )
      await overwrite(api, artifacts[0]!.sha256, bytes.replace(/sound bytes ?$/, 'other bytes'))
      if (bytes === large) {
        await expect(download(artifacts[0]!.href).then(response => response.text())).rejects.toThrow(
          /terminated|closed|aborted/,
        )
      } else {
        const answer = await api.call('GET', artifacts[0]!.href, { key: 'mlf_viewer' })
        expect(answer).toMatchObject({ status: 500, body: { code: 'object_corrupt' } })
        expect(answer.headers.get('etag')).toBeNull()
      }
    }
  })
})

async function overwrite(api: TestApi, sha256: string, bytes: string): Promise<void> {
  const path = `${api.directory}/objects/default/sha256/${sha256.slice(0, 2)}/${sha256}`
  await chmod(path, 0o600)
  await writeFile(path, bytes)
}
