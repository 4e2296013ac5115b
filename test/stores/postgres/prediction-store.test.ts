import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { uuidv7 } from '../../../stores/ids.js'
import type { PredictionFile, PredictionSegment } from '../../../stores/postgres/entities/prediction.js'
import { gapsWithin, type NewSegment, PredictionStore } from '../../../stores/postgres/prediction-store.js'
import { type TestDatabase, testDatabase } from '../../support/postgres.js'

const PROJECT = 'default'
const DAY = 86_400_000

function newSegment(replica: string, segment: number, change: Partial<NewSegment> = {}): NewSegment {
  return {
    project: PROJECT,
    replica,
    segment,
    uri: `${PROJECT}/sha256/aa/${'a'.repeat(64)}`,
    sha256: 'a'.repeat(64),
    bytes: '1000',
    records: 10,
    firstSequence: String(segment * 10 + 1),
    lastSequence: String(segment * 10 + 10),
    gaps: [],
    sealedAt: new Date(Date.UTC(2026, 0, 1) + segment * 1000),
    ...change,
  }
}

function newFile(deploymentId: string, day: number, change: Partial<PredictionFile> = {}) {
  const id = uuidv7()
  return {
    id,
    deploymentId,
    uri: 'x',
    sha256: 'x',
    bytes: '1',
    rows: 10,
    minEventTime: new Date(day * DAY),
    maxEventTime: new Date((day + 1) * DAY - 1),
    minRevision: day,
    maxRevision: day,
    segments: [],
    gaps: [],
    effectKey: id,
    ...change,
  }
}

const numbersOf = (segments: readonly PredictionSegment[]) => segments.map(({ segment }) => segment)

describe('PredictionStore', () => {
  let database: TestDatabase
  let store: PredictionStore
  beforeAll(async () => {
    database = await testDatabase()
    store = new PredictionStore(database.dataSource)
  })
  afterAll(() => database.drop())
  beforeEach(() => database.dataSource.query('DELETE FROM prediction_segments'))

  it('takes a segment that is sent again once, and refuses other content under its number', async () => {
    const segment = newSegment(uuidv7(), 1)
    await store.addSegment(segment)
    await store.addSegment({ ...segment, sealedAt: new Date() })
    expect(await store.summary(PROJECT, uuidv7())).toEqual({ rows: 0, until: null, waitingSegments: 1 })
    await expect(store.addSegment({ ...segment, sha256: 'b'.repeat(64) })).rejects.toMatchObject({
      code: 'already_exists',
      message: expect.stringContaining('give each a directory of its own'),
    })
    await store.addSegment({ ...segment, project: 'other', sha256: 'b'.repeat(64) })
  })

  it('hands out the segments of a replica in their order, to one taker at a time', async () => {
    const [one, two] = [uuidv7(), uuidv7()]
    for (const segment of [3, 1, 2]) await store.addSegment(newSegment(one, segment))
    await store.addSegment(newSegment(two, 9))
    const seen: [string, number[]][] = []
    await store.takeWaiting(2, async (first, transaction) => {
      seen.push(['first', numbersOf(first)])
      const taken = await store.takeWaiting(10, async second => {
        expect(second.map(({ replica }) => replica)).toEqual([two])
        seen.push(['second', numbersOf(second)])
      })
      expect(taken).toBe(1)
      await store.finish(transaction, first, [])
    })
    await store.takeWaiting(10, async rest => {
      seen.push(['rest', numbersOf(rest)])
    })
    expect(seen).toEqual([
      ['first', [1, 2]],
      ['second', [9]],
      ['rest', [3, 9]],
    ])
  })

  it('hands out one project at a time, and again what was not finished', async () => {
    await store.addSegment(newSegment(uuidv7(), 2))
    await store.addSegment(newSegment(uuidv7(), 1, { project: 'other' }))
    const projects: string[] = []
    const work = async (segments: readonly PredictionSegment[]) => {
      projects.push(...segments.map(({ project }) => project))
      throw new Error('killed')
    }
    await expect(store.takeWaiting(10, work)).rejects.toThrow('killed')
    await expect(store.takeWaiting(10, work)).rejects.toThrow('killed')
    expect(projects).toEqual(['other', 'other'])
  })

  it('looks at postponed segments later and at refused ones never, and knows what was ingested', async () => {
    const replica = uuidv7()
    for (const segment of [1, 2, 3]) await store.addSegment(newSegment(replica, segment))
    const before = Date.now()
    await store.takeWaiting(10, async ([first, second, third], transaction) => {
      await store.finish(transaction, [first!], [])
      await store.postpone(transaction, second!)
      await store.refuse(transaction, third!, 'a checksum does not hold')
    })
    const [postponed] = await database.dataSource.query<{ due_at: Date }[]>(
      'SELECT due_at FROM prediction_segments WHERE replica = $1 AND segment = 2',
      [replica],
    )
    expect(postponed!.due_at.getTime()).toBeGreaterThanOrEqual(before + 1_000)
    await database.dataSource.query(
      `UPDATE prediction_segments SET due_at = now() + interval '1 hour' WHERE segment = 2`,
    )
    expect(await store.takeWaiting(10, () => Promise.reject(new Error('nothing is due')))).toBe(0)
    expect(await store.summary(PROJECT, uuidv7())).toMatchObject({ waitingSegments: 1 })
    await database.dataSource.query('UPDATE prediction_segments SET due_at = now()')
    await store.addSegment(newSegment(replica, 4, { firstSequence: '15', lastSequence: '19' }))
    await store.takeWaiting(10, async (segments, transaction) => {
      expect(segments.map(({ segment, tries }) => [segment, tries])).toEqual([
        [2, 1],
        [4, 0],
      ])
      expect(await store.ingestedRanges(transaction, segments)).toEqual([{ replica, first: 11, last: 20 }])
      expect(await store.ingestedRanges(transaction, segments.slice(0, 1))).toEqual([])
    })
  })

  it('finds files by event time and by plan revision', async () => {
    const deploymentId = uuidv7()
    const gap = {
      deployment: 'bike',
      firstSequence: 5,
      lastSequence: 9,
      fromEventTime: 3 * DAY,
      toEventTime: 3 * DAY + 5,
    }
    await store.addSegment(newSegment(uuidv7(), 1))
    await store.takeWaiting(1, (segments, transaction) =>
      store.finish(transaction, segments, [
        newFile(deploymentId, 3, { gaps: [gap] }),
        newFile(deploymentId, 1),
        newFile(deploymentId, 2),
        newFile(uuidv7(), 2),
      ]),
    )
    const days = async (only?: Parameters<PredictionStore['files']>[1]) =>
      (await store.files(deploymentId, only)).map(file => file.minEventTime.getTime() / DAY)
    expect(await days()).toEqual([1, 2, 3])
    expect(await days({ from: 2 * DAY, to: 3 * DAY })).toEqual([2])
    expect(await days({ from: 2 * DAY - 1, to: 3 * DAY + 1 })).toEqual([1, 2, 3])
    expect(await days({ fromRevision: 2, to: 3 * DAY })).toEqual([2])
    expect(await store.summary(PROJECT, deploymentId)).toEqual({
      rows: 30,
      until: new Date(4 * DAY - 1),
      waitingSegments: 0,
    })
    const files = await store.files(deploymentId)
    expect(gapsWithin(files, { from: 3 * DAY + 5 })).toEqual([gap])
    expect(gapsWithin(files, { from: 3 * DAY + 6 })).toEqual([])
    expect(gapsWithin(files, { to: 3 * DAY })).toEqual([])
  })
})
