import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { PredictionRecord } from '../../../domain/serving/prediction-record.js'
import { countLogged } from '../../../stores/duckdb/predictions-count.js'
import { PredictionTable } from '../../../stores/duckdb/predictions-write.js'
import { uuidv7 } from '../../../stores/ids.js'
import { predictionRecord as record, segmentOf } from '../segments/records.js'
import { temporaryDirectory } from './tables.js'

describe('countLogged', () => {
  let directory: string
  beforeAll(async () => {
    directory = await temporaryDirectory()
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  const written = async (replica: string, records: readonly PredictionRecord[]) => {
    const file = join(directory, `${uuidv7()}.parquet`)
    await PredictionTable.with(directory, {}, async table => {
      const numbers = records.map(({ sequence }) => sequence)
      await table.stage({
        replica,
        segment: 1,
        bytes: segmentOf(records),
        records: records.length,
        firstSequence: Math.min(...numbers),
        lastSequence: Math.max(...numbers),
      })
      await table.keep([])
      await table.write('bike', file)
    })
    return file
  }
  const [one, other] = [uuidv7(), uuidv7()]
  const options = () => ({ temporaryDirectory: directory })

  it('counts an id once for each role, wherever it was answered first', async () => {
    const files = [
      await written(one, [
        record(1),
        record(2, { role: 'candidate', version: 2 }),
        record(3, { id: 'bike-1', role: 'shadow', version: 2 }),
        record(4, { id: 'x', role: 'pinned' }),
        record(5, { id: 'x', role: 'pinned' }),
      ]),
      // Asked again at another replica, after the weights had changed.
      await written(other, [record(6, { id: 'bike-1', role: 'candidate', version: 2 }), record(7)]),
    ]
    expect(await countLogged(files, options())).toEqual({
      repeated: 0,
      ids: [
        { version: 1, role: 'pinned', count: 1 },
        { version: 1, role: 'stable', count: 2 },
        { version: 2, role: 'candidate', count: 1 },
        { version: 2, role: 'shadow', count: 1 },
      ],
    })
  })

  it('finds records that were ingested twice', async () => {
    const again = [record(1), record(2)]
    const files = [await written(one, again), await written(one, again), await written(other, again)]
    expect((await countLogged(files, options())).repeated).toBe(2)
  })

  it('counts nothing where there is nothing', async () => {
    expect(await countLogged([], options())).toEqual({ repeated: 0, ids: [] })
  })
})
