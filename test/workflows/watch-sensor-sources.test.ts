import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { RegressionMetrics } from '../../domain/training/metrics.js'
import { sha256Hex, uuidv7 } from '../../stores/ids.js'
import { Incident } from '../../stores/postgres/entities/incident.js'
import { DriftWindow } from '../../stores/postgres/entities/drift.js'
import { Harness, PROJECT } from '../support/harness.js'
import { SensorBench } from '../support/sensor-bench.js'

describe('sources of sensors', () => {
  let harness: Harness
  let bench: SensorBench
  beforeAll(async () => {
    harness = await Harness.start({ queues: ['workflows', 'io', 'watch'], relay: false })
    bench = new SensorBench(harness)
    await bench.apply('any')
    await bench.apply('watched')
  })
  afterAll(() => harness.stop())

  const register = (model: string, version: number, rmse: number | null) =>
    harness.database.dataSource.transaction(transaction =>
      harness.ports.models.register(transaction, PROJECT, model, {
        engine: 'xgboost',
        sha256: sha256Hex(`${model} ${version}`),
        artifacts: {},
        signature: {},
        metrics: { model: { rmse } as RegressionMetrics },
        gate: {},
        parity: {},
        lineage: {},
        runId: uuidv7(),
        effectKey: uuidv7(),
      }),
    )
  const commit = (name: string, n: number, more: { quarantined?: boolean } = {}) =>
    harness.database.dataSource.transaction(async transaction => {
      const file = { uri: `${PROJECT}/sha256/aa/${sha256Hex(`${n}`)}`, sha256: sha256Hex(`${n}`), bytes: n }
      const content = { raw: file, parquet: file, schema: [], conversion: {}, proposal: null }
      await harness.ports.datasets.commit(transaction, PROJECT, name, {
        root: sha256Hex(`${name} ${n}`),
        files: null,
        table: { ...content, rows: String(n), expectations: [], profile: {} },
        ...more,
        parents: [],
        message: null,
        author: null,
        principal: 'key:test',
        runId: uuidv7(),
        effectKey: uuidv7(),
      })
    })
  /** A look at what is there now, to its end. */
  async function look(name: string): Promise<void> {
    await bench.signal(name)
    await bench.untilStage(name, 'wait')
  }

  it('dataset: each version that comes', async () => {
    await commit('bikes', 1)
    const sensor = await bench.create('versions', { kind: 'dataset', name: 'bikes' })
    await bench.wake(sensor)
    await bench.untilStage('versions', 'wait')
    expect(await bench.row('versions')).toMatchObject({ cursor: { version: 1 } })
    await commit('bikes', 2)
    await commit('bikes', 3)
    await bench.signal('versions')
    expect(await bench.untilTicks(sensor, 2)).toMatchObject([
      { key: 'v2', payload: { dataset: 'bikes', version: 2, rows: 2, root: sha256Hex('bikes 2') } },
      { key: 'v3' },
    ])
  })

  it('dataset: versions of a branch only, and of quarantine where that is asked for', async () => {
    await commit('apart', 1)
    const all = await bench.create('all', { kind: 'dataset', name: 'apart' })
    const branch = 'main.quarantine'
    const aside = await bench.create('aside', { kind: 'dataset', name: 'apart', branch })
    for (const sensor of [all, aside]) await bench.wake(sensor)
    for (const name of ['all', 'aside']) await bench.untilStage(name, 'wait')
    await commit('apart', 2, { quarantined: true })
    await commit('apart', 3)
    for (const name of ['all', 'aside']) await look(name)
    expect(await bench.untilTicks(all, 1)).toMatchObject([{ key: 'v3' }])
    expect(await bench.untilTicks(aside, 1)).toMatchObject([{ key: 'v2' }])
  })

  it('dataset: the first version of one that was not there', async () => {
    const sensor = await bench.create('first', { kind: 'dataset', name: 'later' })
    await bench.wake(sensor)
    await bench.untilStage('first', 'failing')
    expect(await bench.row('first')).toMatchObject({ failures: 1, lastError: { code: 'not_found' } })
    await commit('later', 1)
    await bench.signal('first')
    expect(await bench.untilTicks(sensor, 1)).toMatchObject([{ key: 'v1' }])
  })

  it('metric: each version whose figure is beyond the limit', async () => {
    await register('bike', 1, 99)
    const limit = { metric: 'rmse', comparison: 'above', limit: 50 } as const
    const sensor = await bench.create('worse', { kind: 'metric', model: 'bike', alias: null, ...limit })
    await bench.wake(sensor)
    await bench.untilStage('worse', 'wait')
    for (const [at, rmse] of [60, 50, null, 51].entries()) await register('bike', at + 2, rmse)
    await bench.signal('worse')
    expect(await bench.untilTicks(sensor, 2)).toMatchObject([
      { key: 'v2', payload: { model: 'bike', version: 2, metric: 'rmse', value: 60, limit: 50 } },
      { key: 'v5' },
    ])
  })

  it('metric: versions that an alias comes to name, each once', async () => {
    for (const [at, rmse] of [10, 80, 20].entries()) await register('aliased', at + 1, rmse)
    const move = (version: number) =>
      harness.ports.models.moveAlias(PROJECT, 'aliased', 'champion', { version, principal: 'k', reason: 'r' })
    await move(2)
    const limit = { metric: 'rmse', comparison: 'atLeast', limit: 80 } as const
    const sensor = await bench.create('champion', {
      kind: 'metric',
      model: 'aliased',
      alias: 'champion',
      ...limit,
    })
    await bench.wake(sensor)
    await bench.untilStage('champion', 'wait')
    await move(3)
    await look('champion')
    expect(await bench.ticks(sensor)).toEqual([])
    await move(2)
    await bench.signal('champion')
    expect(await bench.untilTicks(sensor, 1)).toMatchObject([
      { key: 'v2', payload: { alias: 'champion', value: 80 } },
    ])
    await move(1)
    await move(2)
    await look('champion')
    expect(await bench.ticks(sensor)).toHaveLength(1)
  })

  it('drift: incidents that are opened, and windows that breach', async () => {
    await register('drifting', 1, 1)
    const { id: deploymentId } = await harness.ports.deployments.create(PROJECT, 'drift', 'drifting', 'k')
    const incident = (id: string) =>
      harness.database.dataSource.getRepository(Incident).insert({
        id,
        project: PROJECT,
        deploymentId,
        signal: 'errors',
        status: 'closed',
        message: 'm',
        state: {},
        events: 1,
        openedAt: new Date(),
      } as never)
    const window = (windowId: string, revision: number, breached: boolean) =>
      harness.database.dataSource.getRepository(DriftWindow).insert({
        deploymentId,
        windowId,
        revision,
        breached,
        startsAt: new Date(0),
        endsAt: new Date(1),
        state: 'complete',
        reason: 'r',
        rows: 1,
        labelled: 1,
        dropped: 0,
        versions: [],
        checks: [],
        reference: {},
        report: {},
        fingerprint: 'f',
        asOf: {},
        runId: uuidv7(),
        effectKey: uuidv7(),
        createdAt: new Date(),
      } as never)
    await incident(uuidv7())
    const incidents = await bench.create('incidents', { kind: 'drift', deployment: 'drift', on: 'incident' })
    const windows = await bench.create('windows', { kind: 'drift', deployment: 'drift', on: 'window' })
    for (const sensor of [incidents, windows]) await bench.wake(sensor)
    const id = uuidv7()
    await incident(id)
    await window('2026-01', 1, false)
    await window('2026-02', 1, true)
    await window('2026-02', 2, true)
    for (const { name } of [incidents, windows]) await bench.signal(name)
    expect(await bench.untilTicks(incidents, 1)).toMatchObject([
      { key: `incident/${id}`, payload: { deployment: 'drift', incident: id, window: null } },
    ])
    expect(await bench.untilTicks(windows, 1)).toMatchObject([{ payload: { window: '2026-02' } }])
  })

  it('pipeline: runs of another one that end as is wanted', async () => {
    const run = () => harness.accept('pipeline', 'watched', {})
    const before = await run()
    await bench.endRun(before.id)
    const source = { kind: 'pipeline', name: 'watched', status: 'failed' } as const
    const failed = await bench.create('failed', source)
    const any = await bench.create('ends', { ...source, status: 'any' })
    for (const sensor of [failed, any]) await bench.wake(sensor)
    const [bad, good, open] = [await run(), await run(), await run()]
    await bench.endRun(bad.id, 'failed')
    await bench.endRun(good.id)
    for (const { name } of [failed, any]) await bench.signal(name)
    expect(await bench.untilTicks(failed, 1)).toMatchObject([
      { key: `${bad.id}/1`, payload: { pipeline: 'watched', runId: bad.id, status: 'failed', attempt: 1 } },
    ])
    const ticks = await bench.untilTicks(any, 2)
    expect(ticks.map(({ key }) => key)).toEqual([`${bad.id}/1`, `${good.id}/1`])
    expect(ticks.map(({ key }) => key)).not.toContain(`${open.id}/1`)
  })

  it('objects: what others put below the prefix, kept as it was then', async () => {
    const put = async (name: string, content: string) => {
      const file = join(harness.config.objects.directory, PROJECT, name)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, content)
    }
    const sensor = await bench.create('objects', { kind: 'objects', prefix: 'incoming/2026' })
    await bench.wake(sensor)
    await bench.untilStage('objects', 'wait')
    await put('incoming/2026-01/a.csv', 'january')
    await put('incoming/2025-12/a.csv', 'december')
    await bench.signal('objects')
    const [tick] = await bench.untilTicks(sensor, 1)
    const payload = tick!.payload as { uri: string }
    expect(payload).toMatchObject({ name: 'incoming/2026-01/a.csv', bytes: 7, sha256: sha256Hex('january') })
    await put('incoming/2026-01/a.csv', 'corrected')
    await bench.signal('objects')
    expect(await bench.untilTicks(sensor, 2)).toMatchObject([
      {},
      { payload: { sha256: sha256Hex('corrected') } },
    ])
    expect(await harness.ports.objects.size(payload.uri)).toBe(7)
  })

  it('directory: changed files too, more than a page of them, never what lies outside', async () => {
    const directory = await bench.directory('deep')
    const sensor = await bench.create('deep', { kind: 'directory', path: 'deep', pattern: '**/*.csv' })
    await mkdir(join(directory, 'a'))
    for (let n = 10; n < 35; n++) await writeFile(join(directory, 'a', `${n}.csv`), `${n}`)
    await writeFile(join(harness.config.scripts.directory, 'outside.csv'), 'secret')
    await symlink(join(harness.config.scripts.directory, 'outside.csv'), join(directory, 'linked.csv'))
    await bench.wake(sensor)
    const ticks = await bench.untilTicks(sensor, 25)
    expect(new Set(ticks.map(({ key }) => key)).size).toBe(25)
    expect(ticks[0]).toMatchObject({ payload: { path: 'a/10.csv' } })
    await writeFile(join(directory, 'a', '10.csv'), 'changed')
    await bench.signal('deep')
    const changed = (await bench.untilTicks(sensor, 26)).at(-1)
    expect(changed).toMatchObject({ payload: { path: 'a/10.csv', sha256: sha256Hex('changed') } })
  })

  it('directory: one that is a link out of the project is not read', async () => {
    await symlink('/etc', join(harness.config.scripts.directory, 'out'))
    const sensor = await bench.create('out', { kind: 'directory', path: 'out', pattern: '*' })
    await bench.wake(sensor)
    await bench.untilStage('out', 'failing')
    expect(await bench.row('out')).toMatchObject({
      lastError: { code: 'source_unavailable', message: expect.stringContaining('leads out') },
    })
    expect(await bench.ticks(sensor)).toEqual([])
  })
})
