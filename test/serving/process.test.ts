import { appendFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import type { PlanArm } from '../../domain/routing/plan.js'
import { eventually } from '../support/eventually.js'
import { Proxy } from '../support/proxy.js'
import type { ReplicaProcess } from './support/replica-process.js'
import { features, World } from './support/world.js'

const ONE: PlanArm[] = [{ version: 1, role: 'stable', weight: 100 }]
/** So old that nothing is sealed, and so sent, by itself. */
const NEVER_SEAL = { MLFORGE_SERVING_SEAL_SECONDS: '3600' }
const DEAD = {
  MLFORGE_POSTGRES_URL: 'postgres://nobody:x@127.0.0.1:1/nothing',
  MLFORGE_OBJECTS_DIRECTORY: '/nonexistent/objects',
}

describe('a replica', () => {
  let world: World
  beforeEach(async () => {
    world = await World.create()
  })
  afterEach(() => world.close())

  const send = (replica: ReplicaProcess, id: string, temp = 0.2) =>
    replica.predict('bike', [{ id, features: features(temp) }])
  const started = async (env: Record<string, string> = {}): Promise<ReplicaProcess> =>
    (await world.replica({ env })).ready()

  it('loses no answered prediction when it is killed under load, and doubles none that is sent again', async () => {
    await world.deploy('bike', ONE)
    const answered = new Map<string, number>()
    const unanswered: string[] = []
    const load = async (replica: ReplicaProcess, name: string): Promise<void> => {
      for (let i = 0; ; i++) {
        const id = `${name}-${i}`
        try {
          const { status, body } = await send(replica, id)
          if (status === 200) answered.set(id, body.predictions[0]!.value)
        } catch {
          // Nobody knows whether it was logged: the client sends it again.
          unanswered.push(id)
          return
        }
      }
    }
    for (let round = 0; round < 3; round++) {
      const replica = await started({ MLFORGE_SERVING_SEAL_SECONDS: round === 1 ? '0.1' : '3600' })
      const clients = Array.from({ length: 8 }, (_, i) => load(replica, `${round}-${i}`))
      const before = answered.size
      await eventually(() => expect(answered.size).toBeGreaterThan(before + 300), { everyMs: 5 })
      await replica.kill()
      await Promise.all(clients)
    }
    // As a kill in the middle of a write leaves it.
    const open = (await world.logFiles()).filter(name => name.endsWith('.open'))
    expect(open).toHaveLength(1)
    await appendFile(join(world.replicaDirectory(), 'segments', open[0]!), Buffer.alloc(100, 1))
    const last = await started()
    const again = [...unanswered, ...[...answered.keys()].slice(-50)]
    for (const id of again) {
      const { body } = await send(last, id)
      expect(body.predictions).toEqual([{ id, version: 1, value: 100 }])
    }
    await last.terminate()
    const records = await world.sent()
    const ids = records.map(({ id }) => id)
    for (const id of [...answered.keys(), ...again]) expect(ids).toContain(id)
    const known = new Set([...answered.keys(), ...unanswered])
    expect(ids.filter(id => !known.has(id))).toEqual([])
    // What ingestion drops by its id: of segments that were sent before the kill nothing is remembered.
    const doubled = ids.length - new Set(ids).size
    expect(doubled).toBeLessThanOrEqual(unanswered.length)
    expect(records.map(({ sequence }) => sequence)).toEqual(records.map((_, i) => i + 1))
    expect((await world.segments()).map(({ segment }) => segment)).toEqual(
      (await world.segments()).map((_, i) => i + 1),
    )
    expect(await world.logFiles()).toEqual([])
  })

  it('answers from its cache when it starts with everything else dead', async () => {
    await world.deploy('bike', ONE)
    const first = await started(NEVER_SEAL)
    const before = await send(first, 'a')
    await first.kill()
    const alone = await started({ ...DEAD, ...NEVER_SEAL })
    expect((await send(alone, 'a')).body).toEqual(before.body)
    expect((await send(alone, 'a', 0.8)).body.code).toBe('prediction_id_reused')
    expect((await send(alone, 'b')).body.predictions[0]!.value).toBe(100)
    expect((await alone.predict('bike', [], { key: 'mlf_wrong' })).status).toBe(401)
    await alone.kill()
    await started()
    expect((await world.sentUntil(2)).map(({ id }) => id)).toEqual(['a', 'b'])
  })

  it('is not ready with nothing cached and no Postgres', async () => {
    const replica = await world.replica({ env: DEAD })
    await eventually(async () => expect((await replica.call('/live', { method: 'GET' })).status).toBe(200))
    expect((await replica.call('/ready', { method: 'GET' })).status).toBe(503)
    const { status, headers } = await send(replica, 'a')
    expect([status, headers['retry-after']]).toEqual([503, '5'])
  })

  it('serves on while Postgres is away, and catches up when it is back', async () => {
    const { id } = await world.deploy('bike', ONE)
    const proxy = await Proxy.before(world.database.url)
    const replica = await started({ MLFORGE_POSTGRES_URL: proxy.url })
    expect((await send(replica, 'a')).status).toBe(200)
    await world.sentUntil(1)
    await proxy.close()
    const revision = await world.issue(id, [{ version: 2, role: 'stable', weight: 100 }])
    expect((await send(replica, 'b')).body.predictions[0]!.version).toBe(1)
    await eventually(async () =>
      expect((await world.logFiles()).filter(name => name.endsWith('.sealed'))).toHaveLength(1),
    )
    expect((await replica.call('/ready', { method: 'GET' })).status).toBe(200)
    await proxy.open()
    await world.inForce(id, revision)
    expect((await send(replica, 'c')).body.predictions[0]!.version).toBe(2)
    await world.sentUntil(3)
    await proxy.close()
  })

  it('fetches a model again that has rotted on its disk', async () => {
    await world.deploy('bike', ONE)
    await (await started()).terminate()
    const models = join(world.replicaDirectory(), 'models')
    const [model] = await readdir(models)
    await writeFile(join(models, model!), 'rotten')
    const replica = await started()
    expect((await send(replica, 'a')).body.predictions[0]!.value).toBe(100)
  })

  it('finishes what it has begun after SIGTERM, sends its log, says goodbye and ends', async () => {
    const { id } = await world.deploy('bike', ONE)
    const replica = await started(NEVER_SEAL)
    await world.inForce(id, 1)
    const body = JSON.stringify({ rows: [{ id: 'slow', features: features() }] })
    const socket = connect(replica.port, '127.0.0.1')
    let answer = ''
    socket.on('data', chunk => (answer += String(chunk)))
    socket.write(
      `POST /v1/deployments/bike/predict HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: mlf_viewer\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`,
    )
    await send(replica, 'quick')
    const ended = replica.terminate()
    await eventually(() => expect(replica.output).toMatch('draining'))
    socket.write(body.slice(10))
    expect(await ended).toBe(0)
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    expect(answer).toMatch(/^connection: close/im)
    expect((await world.sent()).map(record => record.id)).toEqual(['quick', 'slow'])
    expect(await world.deployments.replicas(id)).toEqual([])
    expect(await world.logFiles()).toEqual([])
  })

  it('has its directory for itself', async () => {
    const first = await started()
    const second = await world.replica()
    await once(second.child, 'exit')
    expect(second.child.exitCode).toBe(1)
    expect(second.output).toMatch(/serving cannot start: Another process serves from .*serving-1/)
    expect(second.output).not.toMatch(/^\s+at /m)
    expect((await first.call('/ready', { method: 'GET' })).status).toBe(200)
  })

  it('refuses what would wait too long, with a time to come back', async () => {
    await world.deploy('bike', ONE)
    const replica = await started({ MLFORGE_SERVING_QUEUE_ROWS: '1' })
    const rows = Array.from({ length: 500 }, () => ({ features: features() }))
    const answers = await Promise.all(Array.from({ length: 32 }, () => replica.predict('bike', rows)))
    const refused = answers.filter(({ status }) => status !== 200)
    expect(refused.length).toBeGreaterThan(0)
    expect(refused.length).toBeLessThan(32)
    for (const { status, headers, body } of refused) {
      expect([status, body.code, headers['retry-after']]).toEqual([503, 'overloaded', '1'])
    }
    expect((await send(replica, 'after')).status).toBe(200)
    const records = await world.sentUntil((32 - refused.length) * 500 + 1)
    expect(records).toHaveLength((32 - refused.length) * 500 + 1)
  })

  it('answers beyond its disk budget, and says what it did not log', async () => {
    await world.deploy('bike', ONE)
    const env = { MLFORGE_SERVING_LOG_BUDGET_BYTES: '2000', MLFORGE_SERVING_SEGMENT_BYTES: '1024' }
    const objects = join(world.directory, 'objects')
    const first = await started(env)
    // No object can be written: a file stands where the directory was.
    await rename(objects, `${objects}.away`)
    await writeFile(objects, '')
    for (let i = 1; i <= 20; i++) expect((await send(first, `a-${i}`)).status).toBe(200)
    const dropped = Number(/^mlforge_prediction_log_dropped_records (\d+)$/m.exec(await first.metrics())![1])
    expect(dropped).toBeGreaterThan(5)
    await first.kill()
    await rm(objects)
    await rename(`${objects}.away`, objects)
    const second = await started(env)
    await world.sentUntil(20 - dropped)
    expect((await send(second, 'b')).status).toBe(200)
    const records = await world.sentUntil(21 - dropped)
    expect(records.at(-1)).toMatchObject({ id: 'b', sequence: 21 })
    const gaps = (await world.segments()).flatMap(segment => segment.gaps)
    expect(sequencesIn(gaps)).toEqual(Array.from({ length: dropped }, (_, i) => 21 - dropped + i))
  })

  it('cuts off what the disk took only half of, and answers on', async () => {
    await world.deploy('bike', ONE)
    const env = { ...NEVER_SEAL, MLFORGE_SERVING_FLUSH_SECONDS: '3600' }
    const replica = await (await world.replica({ env, fileKb: 4 })).ready()
    for (let i = 1; i <= 60; i++) expect((await send(replica, `a-${i}`)).status).toBe(200)
    const dropped = Number(
      /^mlforge_prediction_log_dropped_records (\d+)$/m.exec(await replica.metrics())![1],
    )
    expect(dropped).toBeGreaterThan(0)
    expect(dropped).toBeLessThan(10)
    expect(await replica.terminate()).toBe(0)
    const sequences = (await world.sent()).map(({ sequence }) => sequence)
    expect(sequences).toHaveLength(60 - dropped)
    const gaps = (await world.segments()).flatMap(segment => segment.gaps)
    expect([...sequences, ...sequencesIn(gaps)].toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 60 }, (_, i) => i + 1),
    )
  })

  it.each<[string, string, Record<string, string>, RegExp]>([
    ['a name that is none', 'Serving 1', {}, /"Serving 1" is no name for a replica/],
    [
      'a wrong setting',
      'serving-1',
      { MLFORGE_SERVING_THREADS: '0' },
      /MLFORGE_SERVING_THREADS: serving\.threads/,
    ],
  ])('does not start with %s, and says so in one line', async (_, name, env, message) => {
    const replica = await world.replica({ name, env })
    await once(replica.child, 'close')
    expect(replica.child.exitCode).toBe(1)
    expect(replica.output).toMatch(message)
    expect(replica.output.trim().split('\n')).toHaveLength(1)
  })
})

/** What is missing: a gap ends where a segment was sealed meanwhile, and another one goes on. */
function sequencesIn(gaps: readonly { firstSequence: number; lastSequence: number }[]): number[] {
  return gaps.flatMap(({ firstSequence: from, lastSequence: to }) =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i),
  )
}
