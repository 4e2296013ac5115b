import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { text, withDuckDb } from '../../../stores/duckdb/duckdb.js'
import { windowContents, writeLabelsWithin } from '../../../stores/duckdb/predictions-contents.js'
import { writeLabels } from '../../../stores/duckdb/predictions-labels.js'
import { withWindows } from '../../../stores/duckdb/predictions-window.js'
import { PredictionTable } from '../../../stores/duckdb/predictions-write.js'
import { withTrainingRows } from '../../../stores/duckdb/training-rows.js'
import { encodeRecord } from '../../../stores/segments/segment-codec.js'
import { orderedRows } from './tables.js'

const DAY = 86_400_000
const [JAN, FEB, MAR] = [0, 31, 60].map(day => Date.UTC(2012, 0, 1) + day * DAY) as [number, number, number]

describe('contents of windows', () => {
  let directory: string
  let count = 0
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'mlforge-contents-'))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  type Row = [id: string, eventTime: number, output: number, role?: 'stable' | 'shadow' | 'pinned']
  const file = async (rows: readonly Row[]): Promise<string> => {
    const out = join(directory, `${++count}.parquet`)
    await PredictionTable.with(directory, {}, async table => {
      const records = rows.map(([id, eventTime, output, role = 'stable'], at) =>
        encodeRecord({
          sequence: at + 1,
          deployment: 'bike',
          id,
          version: 1,
          role,
          revision: 1,
          key: id,
          eventTime,
          at: eventTime,
          features: { temp: at / 10 },
          output,
        }),
      )
      const bytes = Buffer.concat(records)
      const numbers = { records: rows.length, firstSequence: 1, lastSequence: rows.length }
      await table.stage({ replica: `r${count}`, segment: 1, bytes, ...numbers })
      await table.keep([])
      await table.write('bike', out)
    })
    return out
  }
  const labels = async (values: Record<string, number>): Promise<string> => {
    const out = join(directory, `labels-${++count}.parquet`)
    const page = Object.entries(values).map(([predictionId, value]) => ({ predictionId, value }))
    await writeLabels([page], out)
    return out
  }
  const WINDOWS = [
    { start: JAN, end: FEB },
    { start: FEB, end: MAR },
    { start: MAR, end: MAR + 31 * DAY },
  ]

  let files: string[]
  beforeEach(async () => {
    files = [
      await file([
        ['a', JAN, 1],
        ['b', FEB - 1, 2],
        ['c', FEB, 3],
        ['a', JAN + 5, 1, 'shadow'],
      ]),
      await file([
        ['a', FEB + 1, 9],
        ['d', FEB + DAY, 4],
        ['p', JAN + 1, 5, 'pinned'],
      ]),
    ]
  })

  it('counts each answered row in one window, and the empty window too', async () => {
    const found = await windowContents({ files, labels: await labels({ a: 1, d: 2, p: 3, x: 4 }) }, WINDOWS)
    expect(found.map(({ rows, labelled }) => [rows, labelled])).toEqual([
      [2, 1],
      [2, 1],
      [0, 0],
    ])
    expect(found[2]).toEqual({ rows: 0, labelled: 0, rowsHash: '0', labelsHash: '0' })
    expect(await windowContents({ files: [] }, WINDOWS.slice(0, 1))).toMatchObject([{ rows: 0 }])
    expect(await windowContents({ files }, [])).toEqual([])
  })

  it('tells contents apart, whatever the order of files and labels', async () => {
    const one = await windowContents({ files, labels: await labels({ a: 1, d: 2 }) }, WINDOWS)
    const other = await windowContents(
      { files: [...files].reverse(), labels: await labels({ d: 2, a: 1 }) },
      WINDOWS,
    )
    expect(other).toEqual(one)
    const corrected = await windowContents({ files, labels: await labels({ a: 1.5, d: 2 }) }, WINDOWS)
    expect(corrected[0]).toMatchObject({ labelled: 1, rowsHash: one[0]!.rowsHash })
    expect(corrected[0]!.labelsHash).not.toBe(one[0]!.labelsHash)
    expect(corrected[1]).toEqual(one[1])
    const rescored = await windowContents({ files: [await file([['a', JAN, 7], ['b', FEB - 1, 2]])] }, WINDOWS) // prettier-ignore
    expect(rescored[0]!.rows).toBe(2)
    expect(rescored[0]!.rowsHash).not.toBe(one[0]!.rowsHash)
  })

  it('keeps the labels of a range, which say the same of it', async () => {
    const all = await labels({ a: 1, c: 2, d: 3, x: 4 })
    const within = join(directory, 'within.parquet')
    await writeLabelsWithin({ files, labels: all }, WINDOWS[1]!, within)
    const kept = await withDuckDb({}, db => db.query(`SELECT * FROM read_parquet(${text(within)})`))
    expect(kept).toEqual([
      { id: 'c', label: 2 },
      { id: 'd', label: 3 },
    ])
    const range = { from: FEB, to: MAR }
    expect(await orderedRows({ files, labels: within, ...range })).toEqual(
      await orderedRows({ files, labels: all, ...range }),
    )
  })

  it('knows the days of a window', async () => {
    await withWindows({ files }, {}, async windowOf => {
      expect(await windowOf({ start: JAN, end: MAR }).days()).toEqual([
        { start: JAN, end: JAN + DAY },
        { start: FEB - DAY, end: FEB + 2 * DAY },
      ])
      expect(await windowOf({ start: MAR, end: MAR + DAY }).days()).toEqual([])
    })
  })

  it('reads training rows by their time', async () => {
    const table = join(directory, 'train.parquet')
    await withDuckDb({}, db =>
      db.run(`COPY (SELECT DATE '2011-01-01' + i::INTEGER AS day, i % 2 = 0 AS holiday,
        CASE WHEN i = 3 THEN NULL ELSE i / 10 END AS temp
        FROM range(10) t(i) WHERE i <> 5) TO ${text(table)} (FORMAT parquet)`),
    )
    const question = { file: table, timeColumn: 'day' }
    const [first] = [Date.UTC(2011, 0, 1)]
    const ranges = [
      { start: first + 2 * DAY, end: first + 4 * DAY },
      { start: first + 9 * DAY, end: first + 20 * DAY },
    ]
    await withTrainingRows(question, {}, async rows => {
      expect(await rows.days()).toEqual([
        { start: first, end: first + 5 * DAY },
        { start: first + 6 * DAY, end: first + 10 * DAY },
      ])
      expect(await rows.count(ranges)).toBe(3)
      expect(await rows.column('temp', ranges)).toEqual(Float64Array.of(0.2, NaN, 0.9))
      const batches: Float64Array[][] = []
      for await (const batch of rows.batches(['temp', 'holiday'], ranges)) batches.push(batch)
      expect(batches).toEqual([[Float64Array.of(0.2, NaN, 0.9), Float64Array.of(1, 0, 0)]])
    })
  })
})
