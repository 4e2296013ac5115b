import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { labelledUntil } from '../../../stores/duckdb/predictions-labelled.js'
import { writeLabels } from '../../../stores/duckdb/predictions-labels.js'
import { PredictionTable } from '../../../stores/duckdb/predictions-write.js'
import { uuidv7 } from '../../../stores/ids.js'
import { predictionRecord as record, segmentOf } from '../segments/records.js'
import { temporaryDirectory } from './tables.js'

const at = (hour: number) => Date.UTC(2012, 3, 30, hour)

describe('labelledUntil', () => {
  let directory: string
  let file: string
  beforeAll(async () => {
    directory = await temporaryDirectory()
    file = join(directory, 'predictions.parquet')
    const records = [
      record(1, { id: 'a', eventTime: at(22) }),
      record(2, { id: 'b', eventTime: at(23) }),
      record(3, { id: 'pinned', eventTime: at(23) + 1, role: 'pinned' }),
      record(4, { id: 'c', eventTime: at(24) }),
    ]
    await PredictionTable.with(directory, {}, async table => {
      const bytes = segmentOf(records)
      await table.stage({
        replica: uuidv7(),
        segment: 1,
        bytes,
        records: 4,
        firstSequence: 1,
        lastSequence: 4,
      })
      await table.keep([])
      await table.write('bike', file)
    })
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  const untilWith = async (...ids: string[]) => {
    const labels = join(directory, `${uuidv7()}.parquet`)
    const options = { temporaryDirectory: directory }
    async function* given() {
      await Promise.resolve()
      yield ids.map(predictionId => ({ predictionId, value: 1, at: new Date(), revision: 0 }))
    }
    await writeLabels(given(), labels, options)
    return labelledUntil({ files: [file], labels }, options)
  }

  it('is the first prediction after the last labelled one', async () => {
    expect(await untilWith('a')).toBe(at(23))
    expect(await untilWith('a', 'b')).toBe(at(24))
  })

  it('is just after the last labelled one while nothing has followed it, and nothing without labels', async () => {
    expect(await untilWith('c')).toBe(at(24) + 1)
    expect(await untilWith('unknown', 'pinned')).toBeNull()
    expect(await untilWith()).toBeNull()
    expect(await labelledUntil({ files: [] })).toBeNull()
  })
})
