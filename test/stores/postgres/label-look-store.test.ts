import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { uuidv7 } from '../../../stores/ids.js'
import { DeploymentStore } from '../../../stores/postgres/deployment-store.js'
import { PredictionFile } from '../../../stores/postgres/entities/prediction.js'
import { LabelLookStore } from '../../../stores/postgres/label-look-store.js'
import { LabelStore } from '../../../stores/postgres/label-store.js'
import { type TestDatabase, testDatabase } from '../../support/postgres.js'

const AT = new Date('2012-01-02T13:00:00Z')
const HOLD = 3600

describe('LabelLookStore', () => {
  let database: TestDatabase
  let labels: LabelStore
  let store: LabelLookStore
  beforeAll(async () => {
    database = await testDatabase()
    labels = new LabelStore(database.dataSource)
    store = new LabelLookStore(database.dataSource)
  })
  afterAll(() => database.drop())

  const add = (deployment: string, ids: readonly string[], value = 1) =>
    labels.add(
      deployment,
      ids.map(predictionId => ({ predictionId, value, at: AT })),
      'key:test',
    )
  const older = (deployment: string, interval: string) =>
    database.dataSource.query(
      `UPDATE labels SET received_at = received_at - $2::interval WHERE deployment_id = $1`,
      [deployment, interval],
    )
  const file = async (deploymentId: string, maxEventTime: Date) => {
    const row = {
      id: uuidv7(),
      deploymentId,
      uri: 'u',
      sha256: 's',
      bytes: '7',
      rows: 1,
      minEventTime: AT,
      maxEventTime,
      minRevision: 1,
      maxRevision: 1,
      segments: [],
      gaps: [],
      effectKey: uuidv7(),
      createdAt: AT,
    }
    await database.dataSource.getRepository(PredictionFile).insert(row as never)
    return row.id
  }
  /** A sweep that reads nothing. */
  const swept = async (deployment: string) => {
    const begun = await store.beginSweep(await store.open(deployment))
    return (await store.endSweep(begun!, 0))!
  }
  const counts = async (deployment: string) => {
    const { held, unknown } = await labels.summary(deployment)
    return { held, unknown }
  }
  const unknown = async (deployment: string) =>
    (await labels.unknown(deployment, {})).items.map(({ predictionId }) => predictionId)

  it('reports a label once it was held for long enough, and takes it back when its prediction comes', async () => {
    const deployment = uuidv7()
    await add(deployment, ['a', 'b', 'c'])
    const state = await swept(deployment)
    expect(await store.report(state, HOLD)).toBe(0)
    expect(await counts(deployment)).toEqual({ held: 3, unknown: 0 })
    expect(await store.match(deployment, ['a', 'x'])).toBe(1)
    await older(deployment, '2 hours')
    expect(await store.report(state, HOLD)).toBe(2)
    expect(await store.report(state, HOLD)).toBe(0)
    expect(await counts(deployment)).toEqual({ held: 0, unknown: 2 })
    expect(await store.match(deployment, ['a', 'b', 'x'])).toBe(1)
    expect(await store.match(deployment, ['a', 'b', 'x'])).toBe(0)
    expect(await counts(deployment)).toEqual({ held: 0, unknown: 1 })
    expect(await unknown(deployment)).toEqual(['c'])
    const [late] = await labels.history(deployment, 'b')
    expect(late).toMatchObject({ matchedAt: expect.any(Date), reportedAt: expect.any(Date) })
    expect(await labels.summary(deployment)).toMatchObject({ labels: 3, corrections: 0 })
  })

  it('reports nothing that has not been looked for everywhere', async () => {
    const deployment = uuidv7()
    await add(deployment, ['a'])
    await older(deployment, '2 hours')
    const opened = await store.open(deployment)
    expect(await store.report(opened, HOLD)).toBe(0)
    const begun = (await store.beginSweep(opened))!
    await add(deployment, ['b'])
    expect(await store.sought(begun)).toEqual(['a'])
    expect(await store.report(begun, HOLD)).toBe(0)
    expect(await store.report((await store.endSweep(begun, 0))!, 0)).toBe(1)
    expect(await unknown(deployment)).toEqual(['a'])
  })

  it('shows the value that holds, since when it is held, the latest report first, page by page', async () => {
    const deployment = uuidv7()
    await add(deployment, ['a', 'b', 'c', 'd', 'e'])
    await store.report(await swept(deployment), 0)
    await add(deployment, ['f'])
    await add(deployment, ['b'], 7)
    await store.report(await swept(deployment), 0)
    const pages: string[][] = []
    let cursor: string | undefined
    do {
      const page = await labels.unknown(deployment, { limit: 2, ...(cursor ? { cursor } : {}) })
      pages.push(page.items.map(({ predictionId }) => predictionId))
      cursor = page.nextCursor
    } while (cursor !== undefined)
    expect(pages).toEqual([
      ['f', 'e'],
      ['d', 'c'],
      ['b', 'a'],
    ])
    const { items } = await labels.unknown(deployment, {})
    const [first] = await labels.history(deployment, 'b')
    expect(items.find(({ predictionId }) => predictionId === 'b')).toEqual({
      predictionId: 'b',
      value: 7,
      at: AT,
      receivedAt: first!.receivedAt,
      reportedAt: first!.reportedAt,
    })
  })

  it('goes through files from the newest on, and says which are new', async () => {
    const deployment = uuidv7()
    const [jan, mar, feb] = [
      await file(deployment, new Date('2012-01-31T00:00:00Z')),
      await file(deployment, new Date('2012-03-31T00:00:00Z')),
      await file(deployment, new Date('2012-02-29T00:00:00Z')),
    ]
    await add(deployment, ['a'])
    const begun = (await store.beginSweep(await store.open(deployment)))!
    const [first, second] = await store.sweepFiles(begun, 2)
    expect([first!.id, second!.id]).toEqual([mar, feb])
    const advanced = (await store.advanceSweep(begun, second!, 12.3))!
    expect(advanced.sweepMs).toBe(13)
    expect((await store.sweepFiles(advanced, 2)).map(({ id }) => id)).toEqual([jan])
    expect(await store.newFiles(deployment, 9)).toHaveLength(3)
    await store.closeFiles([first!, second!])
    expect((await store.newFiles(deployment, 9)).map(({ id }) => id)).toEqual([jan])
  })

  it('lets one of two sweeps go on', async () => {
    const deployment = uuidv7()
    const id = await file(deployment, AT)
    await add(deployment, ['a'])
    const opened = await store.open(deployment)
    const begun = await Promise.all([store.beginSweep(opened), store.beginSweep(opened)])
    expect(begun.filter(state => state !== null)).toHaveLength(1)
    const state = begun.find(each => each !== null)!
    const [read] = await store.sweepFiles(state, 1)
    expect(read!.id).toBe(id)
    const advanced = await Promise.all([
      store.advanceSweep(state, read!, 1),
      store.advanceSweep(state, read!, 1),
      store.endSweep(state, 0),
    ])
    expect(advanced.filter(each => each !== null)).toHaveLength(1)
  })

  it('rests after a sweep', async () => {
    const deployment = uuidv7()
    await add(deployment, ['a'])
    const begun = (await store.beginSweep(await store.open(deployment)))!
    const ended = (await store.endSweep(begun, 600))!
    await add(deployment, ['b'])
    expect(await store.beginSweep(ended)).toBeNull()
    await database.dataSource.query(
      `UPDATE label_looks SET rest_until = now() - interval '1 second' WHERE deployment_id = $1`,
      [deployment],
    )
    expect(await store.sought((await store.beginSweep(ended))!)).toEqual(['b'])
  })

  it('misses no label when the clock is set back', async () => {
    const deployment = uuidv7()
    await add(deployment, ['a'])
    // As if the clock had been an hour ahead until now.
    await older(deployment, '-1 hour')
    const state = await swept(deployment)
    await add(deployment, ['b'])
    expect(await store.sought((await store.beginSweep(state))!)).toEqual(['b'])
  })

  it('marks in any order at the same time', async () => {
    const deployment = uuidv7()
    const ids = Array.from({ length: 3000 }, (_, i) => `p${i}`)
    await add(deployment, ids)
    const state = await swept(deployment)
    const counted = await Promise.all([
      store.match(deployment, ids.slice(0, 2000)),
      store.match(deployment, ids.slice(0, 2000).reverse()),
      store.match(deployment, [...ids.slice(1000, 2000), ...ids.slice(0, 1000)]),
      store.report(state, HOLD),
    ])
    expect(counted.reduce((sum, count) => sum + count, 0)).toBe(2000)
    expect(await counts(deployment)).toEqual({ held: 1000, unknown: 0 })
  })

  it('knows which deployments have something to look at, the longest not looked at first', async () => {
    const deployments = new DeploymentStore(database.dataSource)
    const [held, filed, idle] = await Promise.all(
      ['held', 'filed', 'idle'].map(name => deployments.create('due', name, 'm', 'key:test')),
    )
    await add(held!.id, ['a'])
    await file(filed!.id, AT)
    await add(idle!.id, ['a'])
    await store.match(idle!.id, ['a'])
    const due = async () => (await store.due('due')).map(({ name }) => name)
    expect((await due()).sort()).toEqual(['filed', 'held'])
    await store.open(held!.id)
    expect(await due()).toEqual(['filed', 'held'])
    await store.open(filed!.id)
    expect(await due()).toEqual(['held', 'filed'])
    expect((await labels.unmatched()).filter(({ project }) => project === 'due')).toEqual([
      { project: 'due', deployment: 'filed', held: 0, unknown: 0 },
      { project: 'due', deployment: 'held', held: 1, unknown: 0 },
      { project: 'due', deployment: 'idle', held: 0, unknown: 0 },
    ])
  })
})
