import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { sha256Hex } from '../../stores/ids.js'
import { eventually } from '../support/eventually.js'
import { Harness, PROJECT } from '../support/harness.js'
import { record } from '../support/histories.js'
import { SensorBench } from '../support/sensor-bench.js'

const HOOK = { kind: 'webhook' } as const

describe('watchSensor', () => {
  let harness: Harness
  let bench: SensorBench
  beforeAll(async () => {
    // Nobody starts the runs: they stay open until a test ends them.
    harness = await Harness.start({
      queues: ['workflows', 'io', 'watch'],
      relay: false,
      env: { MLFORGE_ROLLOUTS_LOOK_EVERY_SECONDS: '0.05' },
    })
    bench = new SensorBench(harness)
    await bench.apply('any')
  })
  afterAll(() => harness.stop())

  it('starts one run for each file that comes, and ends when it is paused', async () => {
    const directory = await bench.directory('incoming')
    await writeFile(join(directory, 'old.csv'), 'old')
    // What has come by now is older than the sensor.
    const sensor = await bench.create('files', { kind: 'directory', path: 'incoming', pattern: '*.csv' })
    await harness.database.dataSource.query(
      `UPDATE sensors SET since = now() + interval '1 s' WHERE id = $1`,
      [sensor.id],
    )
    await bench.wake(sensor)
    expect(await bench.untilTicks(sensor, 1)).toMatchObject([
      { outcome: 'skipped', payload: { path: 'old.csv' } },
    ])
    await harness.database.dataSource.query(`UPDATE sensors SET since = created_at WHERE id = $1`, [
      sensor.id,
    ])
    await writeFile(join(directory, 'new.csv'), 'new')
    await writeFile(join(directory, 'new.txt'), 'not wanted')
    await bench.signal('files')
    const [, tick] = await bench.untilTicks(sensor, 2)
    expect(tick).toMatchObject({
      outcome: 'started',
      payload: { path: 'new.csv', bytes: 3, sha256: sha256Hex('new') },
    })
    expect(await harness.row({ id: tick!.runId! })).toMatchObject({
      kind: 'pipeline',
      name: 'any',
      trigger: 'sensor',
      principal: 'sensor:files',
      request: { parameters: { what: tick!.payload, count: 0 } },
    })
    await bench.untilStage('files', 'wait')
    await bench.pause('files')
    await record(harness.client, `${PROJECT}/sensor/files`, 'watchSensor.paused')
    expect(await bench.row('files')).toMatchObject({ cursor: { seen: 2 }, failures: 0, lastError: null })
  })

  it('takes each event on once, in their order, and never more runs than may be open', async () => {
    const sensor = await bench.create('hook', HOOK, { maxOpenRuns: 2 })
    for (const key of ['a', 'b', 'c', 'd']) await bench.event(sensor, key, { key })
    await bench.event(sensor, 'a', { key: 'a' })
    await bench.wake(sensor)
    await bench.untilStage('hook', 'full')
    const [a, b] = await bench.untilTicks(sensor, 2)
    // What comes meanwhile waits its turn: nothing is looked at for it.
    for (let n = 0; n < 5; n++) await bench.signal('hook', 'event')
    expect([a, b]).toMatchObject([{ key: 'a', payload: { key: 'a' } }, { key: 'b' }])
    await bench.endRun(b!.runId!)
    expect(await bench.untilTicks(sensor, 3)).toMatchObject([{}, {}, { key: 'c' }])
    await bench.endRun(a!.runId!, 'failed')
    await bench.untilTicks(sensor, 4)
    await bench.untilStage('hook', 'wait')
    expect(await bench.live('hook')).toMatchObject({ looks: 2, started: 4 })
    expect(await bench.row('hook')).toMatchObject({ cursor: { event: 4 } })
    await bench.pause('hook')
    await record(harness.client, `${PROJECT}/sensor/hook`, 'watchSensor.full')
  })

  it('goes on where it was after somebody has terminated it', async () => {
    const sensor = await bench.create('ended', HOOK)
    await bench.event(sensor, 'first', 1)
    await bench.wake(sensor)
    await bench.untilTicks(sensor, 1)
    await bench.handle('ended').terminate('by mistake')
    await bench.event(sensor, 'second', 2)
    await bench.wake(sensor)
    expect(await bench.untilTicks(sensor, 2)).toMatchObject([{ key: 'first' }, { key: 'second', payload: 2 }])
    await eventually(async () => expect((await bench.live('ended')).started).toBe(1))
  })

  it('waits for a source that has gone, and says why', async () => {
    const directory = await bench.directory('comes-and-goes')
    const source = { kind: 'directory', path: 'comes-and-goes', pattern: '*' } as const
    const sensor = await bench.create('gone', source, { intervalSeconds: 1 })
    await bench.wake(sensor)
    await bench.untilStage('gone', 'wait')
    await rm(directory, { recursive: true })
    await bench.signal('gone')
    await bench.untilStage('gone', 'failing')
    const failing = await bench.row('gone')
    expect(failing).toMatchObject({
      lastError: {
        code: 'source_unavailable',
        message: expect.stringContaining('there is no such directory'),
      },
      failingSince: expect.any(Date),
    })
    await bench.directory('comes-and-goes')
    await writeFile(join(directory, 'again.csv'), 'again')
    expect(await bench.untilTicks(sensor, 1)).toMatchObject([{ payload: { path: 'again.csv' } }])
    await bench.untilStage('gone', 'wait')
    expect(await bench.row('gone')).toMatchObject({ lastError: null, failingSince: null, failures: 0 })
    await bench.pause('gone')
    await record(harness.client, `${PROJECT}/sensor/gone`, 'watchSensor.failing')
  })

  it('goes on in another execution when its history has become long', async () => {
    // Some six events of a history each.
    const count = 720
    const sensor = await bench.create('long', HOOK, { maxOpenRuns: 10_000 })
    await harness.database.dataSource.query(
      `INSERT INTO sensor_events (sensor_id, number, key, body_sha256, payload, principal, at)
       SELECT $1, n, 'event-' || n, '', to_jsonb(n), 'key:test', now() FROM generate_series(1, $2) n`,
      [sensor.id, count],
    )
    await bench.wake(sensor)
    const { runId: first } = await bench.handle('long').describe()
    await eventually(
      async () => expect(await bench.row('long')).toMatchObject({ cursor: { event: count } }),
      { deadlineMs: 240_000 },
    )
    const live = await bench.untilStage('long', 'wait')
    expect(live).toMatchObject({ started: count, cursor: { event: count } })
    expect((await bench.handle('long').describe()).runId).not.toBe(first)
    const counts = await harness.ports.sensorTicks.counts([sensor.id])
    expect(counts.get(sensor.id)).toEqual({ started: count })
    await bench.pause('long')
  })
})
