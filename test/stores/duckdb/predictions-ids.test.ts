import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { PredictionRecord } from '../../../domain/serving/prediction-record.js'
import { countMismatches, eachPredictionId, idsAmong } from '../../../stores/duckdb/predictions-ids.js'
import { PredictionTable } from '../../../stores/duckdb/predictions-write.js'
import { uuidv7 } from '../../../stores/ids.js'
import { predictionRecord as record, segmentOf } from '../segments/records.js'
import { temporaryDirectory } from './tables.js'

describe('ids of predictions', () => {
  let directory: string
  let files: string[]
  beforeAll(async () => {
    directory = await temporaryDirectory()
    files = [
      await written([
        record(1),
        record(2, { id: 'shadowed', role: 'shadow' }),
        record(3, { id: 'pinned', role: 'pinned' }),
      ]),
      // Of another model: its columns differ.
      await written([record(4, { id: 'bike-1', features: { wind: 1 } }), record(5, { id: `'"\\ ü🚲` })]),
    ]
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  const written = async (records: readonly PredictionRecord[]) => {
    const file = join(directory, `${uuidv7()}.parquet`)
    await PredictionTable.with(directory, {}, async table => {
      await table.stage({
        replica: uuidv7(),
        segment: 1,
        bytes: segmentOf(records),
        records: records.length,
        firstSequence: records[0]!.sequence,
        lastSequence: records.at(-1)!.sequence,
      })
      await table.keep([])
      await table.write('bike', file)
    })
    return file
  }
  const options = () => ({ temporaryDirectory: directory })
  const pagesOf = async (of: readonly string[]) => {
    const pages: string[][] = []
    await eachPredictionId(of, options(), async page => void pages.push(page))
    return pages
  }

  it('come each once, whatever their role', async () => {
    expect((await pagesOf(files)).flat().sort()).toEqual([`'"\\ ü🚲`, 'bike-1', 'pinned', 'shadowed'])
    expect(await pagesOf([])).toEqual([])
  })

  it('come in pages', async () => {
    const many = await written(Array.from({ length: 25_000 }, (_, i) => record(i + 1, { id: `many-${i}` })))
    const pages = await pagesOf([many, ...files])
    expect(pages.map(page => page.length)).toEqual([10_000, 10_000, 5_004])
    expect(new Set(pages.flat()).size).toBe(25_004)
  })

  it('are found among others', async () => {
    const wanted = new Set(['pinned', 'nobody', `'"\\ ü🚲`, 'shadowed', 'x'])
    const found = await idsAmong(wanted, files, directory, options())
    expect(found.sort()).toEqual([`'"\\ ü🚲`, 'pinned', 'shadowed'])
    expect(await idsAmong(new Set(), files, directory, options())).toEqual([])
    expect(await idsAmong(wanted, [], directory, options())).toEqual([])
  })

  it('tell which marks of labels are wrong', async () => {
    const mark = (predictionId: string, matched: boolean) => ({ predictionId, matched })
    const labels = [
      [mark('pinned', true), mark('nobody', true), mark('nobody-2', false)],
      [mark('bike-1', false), mark('shadowed', false)],
    ]
    const count = (of: string[], looked: string[]) =>
      countMismatches(labels, { files: of, looked }, directory, options())
    expect(await count(files, files)).toEqual({ matched: 1, unmatched: 2 })
    // In the first one nobody has looked yet.
    expect(await count(files, files.slice(1))).toEqual({ matched: 1, unmatched: 1 })
    expect(await count([], [])).toEqual({ matched: 2, unmatched: 0 })
  })
})
