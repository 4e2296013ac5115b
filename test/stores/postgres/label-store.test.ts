import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { uuidv7 } from '../../../stores/ids.js'
import { type EffectiveLabel, LabelStore, type NewLabel } from '../../../stores/postgres/label-store.js'
import { type TestDatabase, testDatabase } from '../../support/postgres.js'

const KNOWN_AT = new Date('2012-01-02T13:00:00Z')

describe('LabelStore', () => {
  let database: TestDatabase
  let store: LabelStore
  beforeAll(async () => {
    database = await testDatabase()
    store = new LabelStore(database.dataSource)
  })
  afterAll(() => database.drop())

  const label = (predictionId: string, value: number): NewLabel => ({ predictionId, value, at: KNOWN_AT })
  /** Labels of `bike-0`, `bike-1` and on. */
  const labels = (count: number, value: (i: number) => number) =>
    Array.from({ length: count }, (_, i) => label(`bike-${i}`, value(i)))
  const values = async (deployment: string, id: string) =>
    (await store.history(deployment, id)).map(({ revision, value, principal }) => [
      revision,
      value,
      principal,
    ])
  const effective = async (deployment: string, since?: Date) => {
    const all: EffectiveLabel[] = []
    for await (const page of store.effective(deployment, since)) all.push(...page)
    return all
  }

  it('keeps the first value, and changes nothing when it comes again', async () => {
    const deployment = uuidv7()
    const given = labels(3, i => i)
    expect(await store.add(deployment, given, 'key:ann')).toEqual({ added: 3, corrected: 0, unchanged: 0 })
    const again = given.map(each => ({ ...each, at: new Date('2013-01-01T00:00:00Z') }))
    expect(await store.add(deployment, again, 'key:bob')).toEqual({ added: 0, corrected: 0, unchanged: 3 })
    expect(await store.history(deployment, 'bike-2')).toEqual([
      {
        deploymentId: deployment,
        predictionId: 'bike-2',
        revision: 0,
        value: 2,
        at: KNOWN_AT,
        receivedAt: expect.any(Date),
        principal: 'key:ann',
        matchedAt: null,
        reportedAt: null,
      },
    ])
    expect(await store.summary(deployment)).toEqual({ labels: 3, corrections: 0, held: 3, unknown: 0 })
  })

  it('keeps a later other value beside the first, and lets it win, also when it has been there before', async () => {
    const deployment = uuidv7()
    await store.add(
      deployment,
      labels(3, () => 1),
      'key:ann',
    )
    const mixed = [label('bike-0', 2), label('bike-1', 1), label('bike-9', 5)]
    expect(await store.add(deployment, mixed, 'key:bob')).toEqual({ added: 1, corrected: 1, unchanged: 1 })
    await store.add(deployment, [label('bike-0', 1)], 'key:ann')
    expect(await values(deployment, 'bike-0')).toEqual([
      [0, 1, 'key:ann'],
      [1, 2, 'key:bob'],
      [2, 1, 'key:ann'],
    ])
    expect(await effective(deployment)).toEqual(
      [
        ['bike-0', 1, 2] as const,
        ['bike-1', 1, 0] as const,
        ['bike-2', 1, 0] as const,
        ['bike-9', 5, 0] as const,
      ].map(([predictionId, value, revision]) => ({ predictionId, value, at: KNOWN_AT, revision })),
    )
    expect(await store.summary(deployment)).toEqual({ labels: 4, corrections: 2, held: 4, unknown: 0 })
  })

  it('counts a prediction that is given twice once', async () => {
    const deployment = uuidv7()
    const twice = [label('bike-1', 7), label('bike-1', 7)]
    expect(await store.add(deployment, twice, 'key:ann')).toEqual({ added: 1, corrected: 0, unchanged: 1 })
    expect(await values(deployment, 'bike-1')).toEqual([[0, 7, 'key:ann']])
  })

  it('tells deployments apart', async () => {
    const [one, other] = [uuidv7(), uuidv7()]
    await store.add(one, [label('bike-1', 1)], 'key:ann')
    await store.add(other, [label('bike-1', 2)], 'key:ann')
    expect(await values(one, 'bike-1')).toEqual([[0, 1, 'key:ann']])
    expect(await store.history(one, 'bike-2')).toEqual([])
    expect(await store.summary(uuidv7())).toEqual({ labels: 0, corrections: 0, held: 0, unknown: 0 })
    expect(await effective(uuidv7())).toEqual([])
  })

  it('keeps values and ids exactly', async () => {
    const deployment = uuidv7()
    const given = [0.1 + 0.2, -0, 5e-324, -1.7976931348623157e308, 2 ** 53 + 2].map((value, i) =>
      label(`{"${i}",NULL} \\ ü/%`, value),
    )
    await store.add(deployment, given, 'key:ann')
    expect(await store.add(deployment, given, 'key:ann')).toMatchObject({ unchanged: given.length })
    for (const { predictionId, value } of given) {
      expect((await store.history(deployment, predictionId)).map(each => each.value)).toEqual([value + 0])
    }
  })

  it('takes the same labels from senders at the same time once', async () => {
    const deployment = uuidv7()
    const given = labels(2000, i => i)
    // Each in another order, so that writers that lock row by row would wait for each other in a circle.
    const orders = [given, given.toReversed(), [...given.slice(1000), ...given.slice(0, 1000)], given]
    const counts = await Promise.all(orders.map(order => store.add(deployment, order, 'key:ann')))
    expect(counts.map(each => each.added).sort((a, b) => a - b)).toEqual([0, 0, 0, 2000])
    expect(counts.map(each => each.unchanged).sort((a, b) => a - b)).toEqual([0, 2000, 2000, 2000])
    expect(await store.summary(deployment)).toEqual({ labels: 2000, corrections: 0, held: 2000, unknown: 0 })
  })

  it('numbers different values that come at the same time without gaps, the same for every prediction', async () => {
    const deployment = uuidv7()
    const senders = ['key:a', 'key:b', 'key:c', 'key:d']
    const counts = await Promise.all(
      senders.map((sender, i) =>
        store.add(
          deployment,
          labels(500, () => i),
          sender,
        ),
      ),
    )
    expect(counts.map(each => each.added).sort((a, b) => a - b)).toEqual([0, 0, 0, 500])
    const first = await values(deployment, 'bike-0')
    expect(first.map(([revision]) => revision)).toEqual([0, 1, 2, 3])
    expect(first.map(([, , sender]) => sender).sort()).toEqual(senders)
    for (const i of [1, 250, 499]) expect(await values(deployment, `bike-${i}`)).toEqual(first)
    const won = await effective(deployment)
    expect(new Set(won.map(each => each.value))).toEqual(new Set([first[3]![1]]))
  })

  it('takes ten thousand labels at once, new, known and corrected', async () => {
    const deployment = uuidv7()
    for (const value of [1, 1, 2]) {
      await store.add(
        deployment,
        labels(10_000, () => value),
        'key:ann',
      )
    }
    expect(await store.summary(deployment)).toEqual({
      labels: 10_000,
      corrections: 10_000,
      held: 10_000,
      unknown: 0,
    })
  })

  it('keeps none of a batch in which one cannot be kept', async () => {
    const deployment = uuidv7()
    const given = [label('bike-1', 1), label('bike\u00002', 1)]
    await expect(store.add(deployment, given, 'key:ann')).rejects.toThrow(/0x00/)
    expect(await store.summary(deployment)).toEqual({ labels: 0, corrections: 0, held: 0, unknown: 0 })
  })

  describe('reading what holds', () => {
    it('goes through pages, as of the moment of the first', async () => {
      const deployment = uuidv7()
      for (let from = 0; from < 25_000; from += 5_000) {
        const some = Array.from({ length: 5_000 }, (_, i) => label(`p${from + i}`, 1))
        await store.add(deployment, some, 'key:ann')
      }
      const pages: EffectiveLabel[][] = []
      for await (const page of store.effective(deployment)) {
        pages.push(page)
        if (pages.length === 1) await store.add(deployment, [label('p9999', 2), label('pz', 1)], 'key:ann')
      }
      expect(pages.map(page => page.length)).toEqual([10_000, 10_000, 5_000])
      const seen = pages.flat()
      expect(new Set(seen.map(each => each.predictionId)).size).toBe(25_000)
      expect(seen.find(each => each.predictionId === 'p9999')).toMatchObject({ value: 1, revision: 0 })
      expect((await effective(deployment)).length).toBe(25_001)
    })

    it('begins at a time of receipt', async () => {
      const deployment = uuidv7()
      await store.add(
        deployment,
        labels(3, () => 1),
        'key:ann',
      )
      const before = await store.history(deployment, 'bike-0')
      expect(await effective(deployment, before[0]!.receivedAt)).toHaveLength(3)
      await database.dataSource.query(
        `UPDATE labels SET received_at = received_at - interval '1 hour' WHERE deployment_id = $1`,
        [deployment],
      )
      const since = before[0]!.receivedAt
      await store.add(deployment, [label('bike-1', 4), label('bike-2', 1), label('bike-3', 1)], 'key:ann')
      expect(await effective(deployment, since)).toEqual([
        { predictionId: 'bike-1', value: 4, at: KNOWN_AT, revision: 1 },
        { predictionId: 'bike-3', value: 1, at: KNOWN_AT, revision: 0 },
      ])
    })

    it('is asked for by prediction too, in pages', async () => {
      const deployment = uuidv7()
      const given = labels(10_000, i => i)
      await store.add(deployment, given, 'key:ann')
      await store.add(deployment, [label('bike-2', 0), label('other', 1)], 'key:ann')
      await store.add(uuidv7(), [label('bike-x', 1)], 'key:ann')
      const asked = ['bike-x', ...given.map(({ predictionId }) => predictionId)]
      const pages = []
      for await (const page of store.effectiveOf(deployment, asked)) pages.push(page)
      expect(pages.map(page => page.length)).toEqual([9_999, 1])
      const found = new Map(pages.flat().map(({ predictionId, value }) => [predictionId, value]))
      expect(found.size).toBe(10_000)
      expect([found.get('bike-1'), found.get('bike-2'), found.get('bike-9999')]).toEqual([1, 0, 9_999])
    })

    it('gives its connection back, also when it is left early', async () => {
      const deployment = uuidv7()
      await store.add(
        deployment,
        labels(3, () => 1),
        'key:ann',
      )
      // More than there are connections.
      for (let i = 0; i < 12; i++) {
        for await (const page of store.effective(deployment)) {
          expect(page).toHaveLength(3)
          break
        }
      }
      const open: unknown[] = await database.dataSource.query(
        `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`,
      )
      expect(open).toEqual([])
    })
  })
})
