import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { toEnvironment } from '../../config/load.js'
import type { SensorHead } from '../../contracts/temporal/sensors.js'
import { derivedId } from '../../stores/ids.js'
import { Run } from '../../stores/postgres/entities/run.js'
import { Harness, PROJECT } from '../support/harness.js'
import { SensorBench } from '../support/sensor-bench.js'
import type { KillPoint } from './doomed-worker.js'

const PROGRAM = fileURLToPath(new URL('doomed-worker.js', import.meta.url))
const HOOK = { kind: 'webhook' } as const

describe('a sensor whose worker is killed', () => {
  let harness: Harness
  let bench: SensorBench
  const cleanUp: (() => void)[] = []
  beforeAll(async () => {
    harness = await Harness.start({
      queues: ['workflows', 'watch'],
      relay: false,
      // What a killed worker had in hand is given to the next one after this.
      env: { MLFORGE_WORKER_HEARTBEAT_TIMEOUT_SECONDS: '5' },
    })
    bench = new SensorBench(harness)
    await bench.apply('any')
  })
  afterEach(() => cleanUp.splice(0).forEach(kill => kill()))
  afterAll(() => harness.stop())

  /** A worker in a process of its own; resolves to how the process ended. */
  async function doomed(point: KillPoint): Promise<Promise<string | null>[]> {
    const child = spawn(process.execPath, ['--enable-source-maps', PROGRAM, 'io', JSON.stringify(point)], {
      env: { ...process.env, ...toEnvironment(harness.config) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    cleanUp.push(() => child.kill('SIGKILL'))
    const death = once(child, 'exit').then(([, signal]) => signal as string | null)
    await Promise.race([once(child.stdout, 'data'), death])
    return [death]
  }

  const sensorRuns = (name: string) =>
    harness.database.dataSource.getRepository(Run).findBy({ principal: `sensor:${name}` })

  it.each(['looked', 'take'] as const)(
    'has one run for each tick, in their order (after %s)',
    async method => {
      const directory = await bench.directory(method)
      const source = { kind: 'directory', path: method, pattern: '*' } as const
      const sensor = await bench.create(method, source)
      for (const name of ['1', '2', '3']) await writeFile(join(directory, name), name)
      const [death] = await doomed({ after: 'sensor', method })
      await bench.wake(sensor)
      expect(await death).toBe('SIGKILL')
      const { stop } = await harness.work('io')
      const ticks = await bench.untilTicks(sensor, 3, 60_000)
      await bench.untilStage(method, 'wait')
      expect(ticks.map(({ payload }) => (payload as { path: string }).path)).toEqual(['1', '2', '3'])
      const runs = await sensorRuns(method)
      expect(runs.map(({ id }) => id).sort()).toEqual(ticks.map(({ runId }) => runId!).sort())
      expect(await bench.row(method)).toMatchObject({ cursor: { seen: 3 } })
      await stop()
    },
  )

  it('takes nothing on twice, and moves no cursor back, when a worker that was given up writes late', async () => {
    const sensor = await bench.create('late', HOOK, { paused: false })
    const { sensors, runs } = harness.ports
    const head = (sequence: number): SensorHead => ({ sensorId: sensor.id, incarnation: 1, sequence })
    const take = (sequence: number, key: string, event: number) =>
      sensors.take(head(sequence), { key, cursor: { event } }, async transaction => {
        const { run } = await runs.acceptIn(transaction, {
          id: derivedId(PROJECT, sensor.id, key),
          project: PROJECT,
          kind: 'pipeline',
          name: 'any',
          request: {},
          principal: 'sensor:late',
          trigger: 'sensor',
          retryPolicy: { codes: [], maxAttempts: 1, delaySeconds: 1 },
        })
        return {
          payload: null,
          objectUri: null,
          outcome: 'started',
          runId: run.id,
          reason: null,
          problems: [],
        }
      })
    const both = await Promise.all([take(0, 'a', 1), take(0, 'a', 1)])
    expect(both.map(taken => (taken as { known: boolean }).known).sort()).toEqual([false, true])
    expect(await take(1, 'b', 2)).toMatchObject({ known: false, sequence: 2 })
    expect(await take(0, 'a', 1)).toMatchObject({ known: true, sequence: 2 })
    // It has read what another worker has taken on since, and would go on from there.
    expect(await take(1, 'c', 3)).toBe('stale')
    const seen = { cursor: { event: 0 }, error: null, failures: 0, nextLookAt: new Date() }
    expect(await sensors.looked(head(1), seen, [])).toBe(false)
    expect(await bench.row('late')).toMatchObject({ cursor: { event: 2 }, sequence: 2 })
    await sensors.reset(PROJECT, 'late', 'beginning', 'again')
    expect(await take(3, 'd', 4)).toBe('stale')
    expect(await sensorRuns('late')).toHaveLength(2)
  })
})
