import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { MAX_ITEMS } from '../../../domain/assets/definition.js'
import { NO_ITEMS } from '../../../domain/assets/items.js'
import type { PlannedItem } from '../../../domain/assets/plan.js'
import { uuidv7 } from '../../../stores/ids.js'
import { AssetStore } from '../../../stores/postgres/asset-store.js'
import { BackfillStore } from '../../../stores/postgres/backfill-store.js'
import { type TestDatabase, testDatabase } from '../../support/postgres.js'

/** As many assets in a chain, over as many partitions, as a backfill may have items. */
const ASSETS = 10
const PARTITIONS = MAX_ITEMS / ASSETS

describe('BackfillStore', () => {
  let database: TestDatabase
  let backfills: BackfillStore
  let runId: string
  beforeAll(async () => {
    database = await testDatabase()
    backfills = new BackfillStore(database.dataSource)
    runId = uuidv7()
    const items: PlannedItem[] = Array.from({ length: MAX_ITEMS }, (_, position) => ({
      asset: `a${Math.floor(position / PARTITIONS)}`,
      partition: `p${position % PARTITIONS}`,
      needs: position < PARTITIONS ? [] : [position - PARTITIONS],
    }))
    await database.dataSource.transaction(transaction => backfills.create(transaction, runId, items))
  })
  afterAll(() => database.drop())

  it('keeps as many items as there may be, and begins them in the order of the plan', async () => {
    expect(await backfills.counts(runId)).toEqual({ ...NO_ITEMS, waiting: MAX_ITEMS })
    await backfills.changing(runId, 1, async transaction => {
      const ready = await backfills.ready(transaction, runId, 50)
      expect(ready.map(({ position }) => position)).toEqual(Array.from({ length: 50 }, (_, i) => i))
      for (const item of ready.slice(0, 2)) await backfills.end(transaction, item, 'succeeded')
      await backfills.end(transaction, ready[2]!, 'failed', { error: { code: 'internal', message: 'no' } })
    })
    const last = await backfills.changing(runId, 1, transaction =>
      backfills.ready(transaction, runId, PARTITIONS),
    )
    // All of the first asset that have not ended, and of the second one those whose needs have ended well.
    expect(last.map(({ position }) => position).slice(-2)).toEqual([PARTITIONS, PARTITIONS + 1])
    expect(last).toHaveLength(PARTITIONS - 3 + 2)
  })

  it('blocks all that rests on one that failed, and a new attempt lets it wait again', async () => {
    await backfills.changing(runId, 1, transaction => backfills.block(transaction, runId, false))
    const expected = { ...NO_ITEMS, succeeded: 2, failed: 1, blocked: ASSETS - 1 }
    expect(await backfills.counts(runId)).toEqual({ ...expected, waiting: MAX_ITEMS - ASSETS - 2 })
    const byAsset = await backfills.countsByAsset(runId)
    expect(byAsset.map(({ asset }) => asset)).toEqual(Array.from({ length: ASSETS }, (_, i) => `a${i}`))
    expect(byAsset[9]).toMatchObject({ counts: { waiting: PARTITIONS - 1, blocked: 1 } })
    await backfills.changing(runId, 2, () => Promise.resolve())
    expect(await backfills.counts(runId)).toEqual({ ...NO_ITEMS, succeeded: 2, waiting: MAX_ITEMS - 2 })
    await expect(backfills.changing(runId, 1, () => Promise.resolve())).rejects.toMatchObject({
      code: 'wrong_state',
    })
  })

  it('pages items in the order of the plan', async () => {
    const first = await backfills.items(runId, { asset: 'a9', state: 'waiting', limit: 2 })
    expect(first.items.map(({ position }) => position)).toEqual([MAX_ITEMS - PARTITIONS, 9001])
    const next = await backfills.items(runId, { asset: 'a9', limit: 1, cursor: first.nextCursor! })
    expect(next.items.map(({ position }) => position)).toEqual([9002])
  })

  it('has one materialisation for a run, whoever writes it again', async () => {
    const assets = new AssetStore(database.dataSource)
    const row = {
      ...{ runId: uuidv7(), project: 'default', asset: 'a0', partition: 'p0', definitionVersion: 1 },
      ...{ shapeSha256: 's', codeSha256: 'c', dataSha256: 'd', inputs: [], backfillId: runId },
    }
    const write = (dataSha256: string) =>
      database.dataSource.transaction(transaction => assets.materialise(transaction, { ...row, dataSha256 }))
    await Promise.all([write('d'), write('d')])
    await write('e')
    const { items } = await assets.materialisations('default', 'a0', {})
    expect(items).toMatchObject([{ runId: row.runId, dataSha256: 'd' }])
    await assets
      .newest('default', 'a0', ['p0', 'p1'])
      .then(newest => expect([...newest.keys()]).toEqual(['p0']))
  })
})
