import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { completePolicy } from '../../../domain/drift/monitoring-policy.js'
import { windowOfId } from '../../../domain/drift/windows.js'
import { uuidv7 } from '../../../stores/ids.js'
import { DeploymentStore } from '../../../stores/postgres/deployment-store.js'
import { DriftStore, type NewAssessment } from '../../../stores/postgres/drift-store.js'
import { LabelStore } from '../../../stores/postgres/label-store.js'
import { type TestDatabase, testDatabase } from '../../support/postgres.js'

const POLICY = completePolicy(
  {},
  { features: [{ name: 'hr', type: 'integer' }], target: 'cnt', output: { name: 'cnt' } },
)

describe('DriftStore', () => {
  let database: TestDatabase
  let store: DriftStore
  let deployments: DeploymentStore
  beforeAll(async () => {
    database = await testDatabase()
    store = new DriftStore(database.dataSource)
    deployments = new DeploymentStore(database.dataSource)
  })
  afterAll(() => database.drop())

  let count = 0
  const create = async (project = 'default') => {
    const { id } = await deployments.create(project, `bike-${++count}`, 'bike', 'key:ann')
    await store.setPolicy(id, POLICY)
    return id
  }
  const assessment = (
    deploymentId: string,
    windowId: string,
    more: Partial<NewAssessment> = {},
  ): NewAssessment => {
    const window = windowOfId({ every: 'month' }, windowId)!
    const ref = { uri: 'default/sha256/aa/aa', sha256: 'aa', bytes: 2 }
    return {
      deploymentId,
      windowId,
      startsAt: new Date(window.start),
      endsAt: new Date(window.end),
      state: 'assessable',
      reason: '700 of 700 rows are labelled',
      breached: false,
      rows: 700,
      labelled: 700,
      dropped: 0,
      versions: [{ version: 1, share: 1 }],
      metrics: { rmse: 1, mae: 1, wape: 0.1, relativeBias: 0.1, r2: 0.9 },
      checks: [],
      reference: { kind: 'sameSeason', status: 'not_assessed', text: 'none' },
      report: { json: ref, html: ref },
      fingerprint: uuidv7(),
      asOf: { files: 1, labels: 1 },
      runId: uuidv7(),
      effectKey: uuidv7(),
      ...more,
    }
  }
  const record = (deploymentId: string, windowId: string, more?: Partial<NewAssessment>) =>
    database.dataSource.transaction(transaction =>
      store.record(transaction, assessment(deploymentId, windowId, more)),
    )

  it('counts the assessments of a window from 1', async () => {
    const id = await create()
    expect(await record(id, '2012-01')).toEqual({ revision: 1, outcome: 'recorded' })
    expect(await record(id, '2012-02')).toEqual({ revision: 1, outcome: 'recorded' })
    expect(await record(id, '2012-01', { breached: true })).toEqual({ revision: 2, outcome: 'recorded' })
    expect(await store.window(id, '2012-01')).toMatchObject({ revision: 2, breached: true })
    expect(await store.window(id, '2012-01', 1)).toMatchObject({ revision: 1, breached: false })
  })

  it('keeps an effect once, and nothing of what was seen before', async () => {
    const id = await create()
    const first = { effectKey: uuidv7(), fingerprint: 'a', asOf: { files: 2, labels: 5 } }
    expect(await record(id, '2012-01', first)).toEqual({ revision: 1, outcome: 'recorded' })
    expect(await record(id, '2012-01', first)).toEqual({ revision: 1, outcome: 'recorded' })
    expect(await record(id, '2012-01', { fingerprint: 'a', asOf: { files: 3, labels: 5 } })).toEqual({
      revision: 1,
      outcome: 'unchanged',
    })
    for (const asOf of [
      { files: 1, labels: 5 },
      { files: 2, labels: 4 },
    ]) {
      expect(await record(id, '2012-01', { fingerprint: 'b', asOf })).toEqual({
        revision: 1,
        outcome: 'stale',
      })
    }
    expect(await record(id, '2012-01', { fingerprint: 'b', asOf: { files: 2, labels: 5 } })).toEqual({
      revision: 2,
      outcome: 'recorded',
    })
    expect((await store.windows(id, {})).items).toHaveLength(1)
  })

  it('numbers writers at the same time without gaps', async () => {
    const id = await create()
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => record(id, '2012-01')))
    expect(outcomes.map(each => each.revision).sort()).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('lists windows, the newest first, each with its latest revision', async () => {
    const id = await create()
    for (const month of ['2012-03', '2011-11', '2012-01', '2011-12', '2012-02']) await record(id, month)
    await record(id, '2011-12', { breached: true })
    const first = await store.windows(id, { limit: 3 })
    const second = await store.windows(id, { limit: 3, cursor: first.nextCursor! })
    const seen = [...first.items, ...second.items]
    expect(seen.map(each => [each.windowId, each.revision])).toEqual([
      ['2012-03', 1],
      ['2012-02', 1],
      ['2012-01', 1],
      ['2011-12', 2],
      ['2011-11', 1],
    ])
    expect(second.nextCursor).toBeUndefined()
  })

  it('tells what is known of each window, in order, as incidents need it', async () => {
    const id = await create()
    await record(id, '2012-02', { breached: true })
    await record(id, '2012-01', { breached: true, state: 'too_few' })
    await record(id, '2012-01', {
      breached: null,
      labelled: 12,
      versions: [
        { version: 1, share: 0.9 },
        { version: 2, share: 0.1 },
      ],
    })
    const january = windowOfId({ every: 'month' }, '2012-01')
    expect(await store.assessments(id)).toEqual([
      { window: january, revision: 2, state: 'assessable', breached: null, labelled: 12, versions: [1, 2] },
      expect.objectContaining({ revision: 1, breached: true }),
    ])
    expect((await store.latest(id)).map(each => [each.windowId, each.revision])).toEqual([
      ['2012-01', 2],
      ['2012-02', 1],
    ])
    // Windows of a policy of before are of the past.
    await store.setPolicy(id, { ...POLICY, window: { every: 'week' } })
    expect(await store.assessments(id)).toEqual([])
    expect(await store.latest(id)).toHaveLength(2)
  })

  it('knows no assessments of a deployment that nobody watches', async () => {
    const { id } = await deployments.create('default', 'unwatched', 'bike', 'key:ann')
    await record(id, '2012-01')
    expect(await store.assessments(id)).toEqual([])
  })

  it('says what there is where something is not', async () => {
    const id = await create()
    await expect(store.window(id, '2012-01')).rejects.toThrow(/none has been assessed yet/)
    for (const month of ['2011-11', '2011-12', '2012-01']) await record(id, month)
    await expect(store.window(id, '2012-1')).rejects.toMatchObject({
      code: 'not_found',
      message:
        'There is no assessed window "2012-1". Did you mean "2012-01"? There are: 3 from "2011-11" to "2012-01".',
    })
    await expect(store.window(id, '2012-01', 7)).rejects.toThrow(/no revision 7; its latest is 1/)
  })

  it('finds what is watched, by project', async () => {
    const id = await create('watched')
    await deployments.create('watched', 'unwatched', 'bike', 'key:ann')
    expect((await store.watched('watched')).map(each => [each.id, each.monitoring])).toEqual([[id, POLICY]])
  })

  it('remembers the last look', async () => {
    const id = await create()
    expect(await store.look(id)).toBeNull()
    expect(await store.inputs(id)).toEqual({ files: 0, labels: 0 })
    const labels = new LabelStore(database.dataSource)
    const at = new Date()
    await labels.add(id, [{ predictionId: 'a', value: 1, at }], 'key:ann')
    await labels.add(id, [{ predictionId: 'a', value: 2, at }], 'key:ann')
    expect(await store.inputs(id)).toEqual({ files: 0, labels: 2 })
    const window = windowOfId({ every: 'month' }, '2012-01')!
    await store.saveLook(id, 'one', [{ ...window, state: 'open', reason: 'not over' }])
    await store.saveLook(id, 'two', [])
    expect(await store.look(id)).toMatchObject({ seen: 'two', pending: [] })
  })
})
