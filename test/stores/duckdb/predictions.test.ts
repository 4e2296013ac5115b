import { createHash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { DriftColumn } from '../../../domain/drift/columns.js'
import { momentsByKey } from '../../../domain/rollouts/moments.js'
import type { PredictionRecord } from '../../../domain/serving/prediction-record.js'
import { regressionMetrics } from '../../../domain/training/metrics.js'
import { errorsByMonth } from '../../../stores/duckdb/predictions-errors.js'
import { answeredIds, armStatistics, mirroredPairs } from '../../../stores/duckdb/predictions-gates.js'
import { type LabelRow, writeLabels } from '../../../stores/duckdb/predictions-labels.js'
import { labelledTable } from '../../../stores/duckdb/predictions-training.js'
import { withWindows } from '../../../stores/duckdb/predictions-window.js'
import { PredictionTable, type SegmentContent } from '../../../stores/duckdb/predictions-write.js'
import { readRows } from '../../../stores/duckdb/rows.js'
import { uuidv7 } from '../../../stores/ids.js'
import { HOUR, predictionRecord as record, segmentOf, START } from '../segments/records.js'
import { orderedRows, temporaryDirectory } from './tables.js'

const REPLICA = '0190a000-0000-7000-8000-000000000001'
const OTHER = '0190a000-0000-7000-8000-000000000002'

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

function contentOf(records: readonly PredictionRecord[], replica = REPLICA): SegmentContent {
  const numbers = records.map(({ sequence }) => sequence)
  const [firstSequence, lastSequence] = [Math.min(...numbers), Math.max(...numbers)]
  const bytes = segmentOf(records)
  return { replica, segment: 1, bytes, records: records.length, firstSequence, lastSequence }
}

describe('predictions', () => {
  let directory: string
  beforeAll(async () => {
    directory = await temporaryDirectory()
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  /** Files as ingestion writes them: each of the segments' records of a deployment. */
  async function write(segments: readonly SegmentContent[], deployment = 'bike'): Promise<string> {
    const file = join(directory, `${uuidv7()}.parquet`)
    await PredictionTable.with(directory, {}, async table => {
      for (const segment of segments) {
        await table.stage(segment)
        await table.keep([])
      }
      await table.write(deployment, file)
    })
    return file
  }
  const written = (records: readonly PredictionRecord[], replica = REPLICA) =>
    write([contentOf(records, replica)])

  async function labelled(labels: readonly LabelRow[]): Promise<string> {
    const file = join(directory, `${uuidv7()}.labels`)
    await writeLabels([labels.slice(0, 2), labels.slice(2)], file, { temporaryDirectory: directory })
    return file
  }
  const label = (sequence: number, value: number): LabelRow => ({ predictionId: `bike-${sequence}`, value })

  describe('files', () => {
    it('have a column for each feature of any version, in the order of event time', async () => {
      const records = [
        record(2, { eventTime: START + 500.0 }),
        record(1, { version: 2, role: 'shadow', features: { Temp: 0.5, windspeed: 0.1 }, key: 'a"\n\'b' }),
        record(3, { deployment: 'other' }),
      ]
      const { rows } = await readRows(await written(records), {})
      expect(rows).toEqual([
        {
          sequence: 2,
          replica: REPLICA,
          id: 'bike-2',
          version: 1,
          role: 'stable',
          revision: 1,
          key: '2',
          event_time: '2012-01-01T00:00:00.5',
          at: '2026-01-01T00:00:00.002',
          output: 4,
          feature_holiday: 1,
          feature_Temp: 0.02,
          feature_windspeed: null,
        },
        expect.objectContaining({
          role: 'shadow',
          key: 'a"\n\'b',
          feature_holiday: null,
          feature_Temp: 0.5,
          feature_windspeed: 0.1,
        }),
      ])
    })

    it('are the same bytes for the same records, however they were cut into segments', async () => {
      const records = range(1, 40).map(sequence => record(sequence, { eventTime: START }))
      const hashes = []
      for (const cut of [5, 39, 20]) {
        const parts = [records.slice(0, cut), records.slice(cut)].filter(part => part.length > 0)
        const file = await write(parts.map(part => contentOf(part)))
        hashes.push(
          createHash('sha256')
            .update(await readFile(file))
            .digest('hex'),
        )
      }
      expect(new Set(hashes).size).toBe(1)
    })

    it.each([
      [
        'announced otherwise',
        { ...contentOf([record(1), record(2)]), lastSequence: 3 },
        'numbered 1 to 2, not 2',
      ],
      [
        'with a number that is none',
        contentOf([record(1, { output: 'many' as never })]),
        'a record that is none',
      ],
      ['that repeats a number', contentOf([record(1), record(1)]), 'one number to several'],
      ['without an output', contentOf([record(1, { output: NaN })]), '1 records that lack a field'],
      [
        'that is torn',
        { ...contentOf([record(1)]), bytes: segmentOf([record(1)]).subarray(0, 50) },
        'no valid record',
      ],
    ])('take in no record of a segment %s', async (_, segment, message) => {
      await PredictionTable.with(directory, {}, async table => {
        await expect(table.stage(segment)).rejects.toMatchObject({
          code: 'segment_corrupt',
          message: expect.stringContaining(message),
        })
        expect(await table.deployments()).toEqual([])
        await table.stage(contentOf([record(1), record(2), record(3)]))
        await table.keep([{ first: 2, last: 3 }])
        expect(await table.write('bike', join(directory, 'after.parquet'))).toMatchObject({ rows: 1 })
      })
    })
  })

  describe('what counts', () => {
    // Scored on one replica, then, after a retry, on another with the plan of another revision.
    const twice = [
      record(1, { output: 10 }),
      record(2, {
        id: 'bike-1',
        at: record(1).at + 9_000,
        version: 2,
        role: 'candidate',
        revision: 2,
        output: 99,
      }),
    ]
    const rows = { from: START, to: START + 100 * HOUR }

    it('is the first answer to an id, whatever file or replica has it', async () => {
      const [one, two] = [await written([twice[0]!]), await written([twice[1]!], OTHER)]
      const labels = await labelled([label(1, 12)])
      for (const files of [
        [one, two],
        [two, one],
      ]) {
        const seen = await orderedRows({ files, labels, ...rows })
        expect([...seen.output]).toEqual([10])
        const { arms } = await armStatistics({ files, labels, versions: [1, 2], revisions: { from: 1 } })
        expect(arms.map(({ moments }) => moments.rows)).toEqual([1, 0])
      }
      // The same at one moment: by replica.
      const same = [await written([record(1, { output: 5 })], OTHER), await written([record(1)])]
      expect([...(await orderedRows({ files: same, ...rows })).output]).toEqual([2])
    })

    it('are neither pinned rows nor, as answers, mirrored ones', async () => {
      const shadow = { version: 2, role: 'shadow' } as const
      const records = [
        record(1, { role: 'pinned', output: 1 }),
        record(2),
        record(3, { ...shadow, id: 'bike-2', output: 30, at: record(9).at }),
        record(4, { ...shadow, id: 'bike-2', output: 40, at: record(8).at }),
      ]
      const files = [await written(records)]
      const labels = await labelled([label(1, 1), label(2, 5)])
      expect([...(await orderedRows({ files, ...rows })).output]).toEqual([4])
      const { outputs } = await mirroredPairs({ files, labels, versions: [2, 1], revisions: { from: 1 } })
      expect(outputs.map(values => [...values])).toEqual([[40], [4]])
      const out = join(directory, 'table.parquet')
      expect(
        await labelledTable({ files, labels, to: rows.to, features: ['temp'], target: 'cnt' }, out),
      ).toEqual({ rows: 1, versions: [1] })
    })

    it('is nothing where there are no files', async () => {
      const nothing = { files: [], labels: await labelled([]) }
      expect(await orderedRows({ ...nothing, ...rows })).toMatchObject({
        label: new Float64Array(),
        versions: [],
      })
      const arms = await armStatistics({ ...nothing, versions: [1], revisions: { from: 1 } })
      expect(arms.arms[0]!.moments).toEqual({ units: 0, rows: 0, mean: 0, m2: 0 })
      expect(arms.rowsHash).toBe(createHash('sha256').digest('hex'))
      expect(await errorsByMonth({ ...nothing, versions: [1] })).toEqual([])
      const pairs = await mirroredPairs({ ...nothing, versions: [1, 2], revisions: { from: 1 } })
      expect(pairs.outputs.map(values => values.length)).toEqual([0, 0])
    })
  })

  describe('gates', () => {
    // Even rows go to the candidate, three rows share a key; the last ten have no label yet.
    const records = range(1, 101).map(sequence =>
      record(sequence, {
        key: `rider ${Math.floor(sequence / 3)}`,
        revision: sequence <= 20 ? 1 : 2,
        output: Math.sin(sequence) * 100,
        ...(sequence % 2 === 0 && { version: 2, role: 'candidate' }),
      }),
    )
    const copies = records
      .filter(({ sequence }) => sequence % 4 === 1)
      .map(answer =>
        record(answer.sequence + 1000, {
          ...answer,
          sequence: answer.sequence + 1000,
          version: 2,
          role: 'shadow',
          output: answer.output + answer.sequence,
        }),
      )
    const labels = range(1, 91).map(sequence => label(sequence, sequence + 0.5))
    let source: { files: string[]; labels: string }
    beforeAll(async () => {
      const half = [records.slice(0, 47), records.slice(47), copies]
      source = { files: [], labels: await labelled(labels) }
      for (const part of half) source.files.push(await written(part))
    })

    it('see the moments of each version by key, as the decision defines them', async () => {
      const { arms } = await armStatistics({ ...source, versions: [2, 1], revisions: { from: 2 } })
      expect(arms.map(({ version }) => version)).toEqual([2, 1])
      for (const { version, moments, sumError, sumLabel, sumAbsoluteError } of arms) {
        const own = records.filter(row => row.version === version && row.revision === 2 && row.sequence <= 90)
        const errors = own.map(({ sequence, output }) => sequence + 0.5 - output)
        const expected = momentsByKey(own.map(({ key }, i) => ({ key, value: Math.abs(errors[i]!) })))
        expect(moments).toMatchObject({ units: expected.units, rows: own.length })
        expect(moments.units).toBeLessThan(moments.rows)
        expect(moments.mean).toBeCloseTo(expected.mean, 9)
        expect(moments.m2).toBeCloseTo(expected.m2, 6)
        const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)
        expect(sumError).toBeCloseTo(sum(errors), 9)
        expect(sumAbsoluteError).toBeCloseTo(sum(errors.map(Math.abs)), 9)
        expect(sumLabel).toBeCloseTo(sum(own.map(({ sequence }) => sequence + 0.5)), 9)
      }
    })

    it('tell whose labels they need', async () => {
      const ids = await answeredIds({ ...source, revisions: { from: 2 } })
      const own = records.filter(({ revision }) => revision >= 2).map(({ id }) => id)
      expect(ids).toEqual(own.toSorted())
    })

    it('look at the revisions, event times and number of rows they are told to', async () => {
      const rowsOf = async (change: object) =>
        (await armStatistics({ ...source, versions: [1, 2], revisions: { from: 1 }, ...change })).arms.map(
          ({ moments }) => moments.rows,
        )
      expect(await rowsOf({})).toEqual([45, 45])
      expect(await rowsOf({ revisions: { from: 1, to: 1 } })).toEqual([10, 10])
      expect(await rowsOf({ revisions: { from: 2 } })).toEqual([35, 35])
      expect(await rowsOf({ sinceEventTime: START + 80 * HOUR })).toEqual([5, 6])
      expect(await rowsOf({ limit: 7 })).toEqual([7, 7])
      const first = await armStatistics({ ...source, versions: [1], revisions: { from: 1 }, limit: 2 })
      expect(first.arms[0]!.sumLabel).toBe(1.5 + 3.5)
    })

    it('name the rows they have seen: a label that changes is another set of rows', async () => {
      const question = { versions: [1, 2], revisions: { from: 1 } }
      const { rowsHash } = await armStatistics({ ...source, ...question })
      const turned = { ...source, files: source.files.toReversed() }
      expect((await armStatistics({ ...turned, ...question })).rowsHash).toBe(rowsHash)
      const corrected = await labelled([...labels.slice(0, -1), label(90, 91)])
      expect((await armStatistics({ ...source, labels: corrected, ...question })).rowsHash).not.toBe(rowsHash)
    })

    it('compare both versions on the same rows, labelled or not', async () => {
      const seen = await mirroredPairs({ ...source, versions: [1, 2], revisions: { from: 1 } })
      const pairs = records.filter(({ sequence }) => sequence % 4 === 1)
      expect([...seen.outputs[0]]).toEqual(pairs.map(({ output }) => output))
      expect([...seen.outputs[1]]).toEqual(pairs.map(({ output, sequence }) => output + sequence))
      const known = pairs.filter(({ sequence }) => sequence <= 90)
      const error = (row: PredictionRecord, output: number) => Math.abs(row.sequence + 0.5 - output)
      const first = momentsByKey(known.map(row => ({ key: row.key, value: error(row, row.output) })))
      const difference = momentsByKey(
        known.map(row => ({
          key: row.key,
          value: error(row, row.output + row.sequence) - error(row, row.output),
        })),
      )
      expect(seen.first.mean).toBeCloseTo(first.mean, 9)
      expect(seen.difference).toMatchObject({ units: difference.units, rows: difference.rows })
      expect(seen.difference.m2).toBeCloseTo(difference.m2, 6)
      const few = await mirroredPairs({ ...source, versions: [1, 2], revisions: { from: 2 }, limit: 3 })
      expect([...few.outputs[0]]).toEqual(
        pairs
          .filter(({ sequence }) => sequence > 20)
          .slice(0, 3)
          .map(row => row.output),
      )
      expect(few.rowsHash).not.toBe(seen.rowsHash)
    })
  })

  describe('windows', () => {
    const records = range(1, 50).map(sequence =>
      record(sequence, sequence > 30 ? { version: 2, features: { temp: 1, rain: true } } : {}),
    )
    const labels = range(1, 41).map(sequence => label(sequence, sequence * 2 + 1))
    let source: { files: string[]; labels: string }
    beforeAll(async () => {
      source = {
        files: [await written(records.slice(25)), await written(records.slice(0, 25))],
        labels: await labelled(labels),
      }
    })

    it('are columns in the order of event time, with what each version has', async () => {
      const window = { from: START + 10 * HOUR, to: START + 45 * HOUR }
      const seen = await orderedRows({ ...source, ...window, features: ['temp', 'rain', 'holiday'] })
      const inside = range(10, 45)
      expect([...seen.output]).toEqual(inside.map(sequence => sequence * 2))
      expect([...seen.label]).toEqual(inside.map(sequence => (sequence <= 40 ? sequence * 2 + 1 : NaN)))
      expect([...seen.version]).toEqual(inside.map(sequence => (sequence > 30 ? 2 : 1)))
      const features = [
        inside.map(n => (n > 30 ? 1 : n / 100)),
        inside.map(n => (n > 30 ? 1 : NaN)),
        inside.map(n => (n > 30 ? NaN : 1 - (n % 2))),
      ]
      expect(seen.features.map(values => [...values])).toEqual(features)
      expect(seen.versions).toEqual([
        { version: 1, rows: 21, share: 21 / 35 },
        { version: 2, rows: 14, share: 14 / 35 },
      ])
    })

    it('are read a column at a time, in whatever order', async () => {
      await withWindows(source, {}, async windowOf => {
        const window = windowOf({ start: START + 29 * HOUR, end: START + 42 * HOUR })
        const column = async (role: DriftColumn['role'], name = 'any') => {
          const values = await window.column({ role, name })
          return values && [...values].sort((a, b) => a - b)
        }
        expect(await window.count()).toBe(13)
        expect(await column('prediction')).toEqual(range(29, 42).map(n => n * 2))
        // The last has none yet.
        expect(await column('label')).toEqual(range(29, 41).map(n => n * 2 + 1))
        expect(await column('feature', 'temp')).toEqual([0.29, 0.3, ...Array<number>(11).fill(1)])
        const rain = await window.column({ role: 'feature', name: 'rain' })
        expect(rain!.filter(Number.isNaN)).toHaveLength(2)
        expect(await column('feature', 'snow')).toBeNull()
        expect([window.has('Temp'), window.has('snow')]).toEqual([true, false])
        expect(await windowOf({ start: 0, end: START }).count()).toBe(0)
      })
    })

    it('refuse a feature that nobody has', async () => {
      const question = { ...source, from: START, to: START + HOUR, features: ['tempp'] }
      await expect(orderedRows(question)).rejects.toMatchObject({
        code: 'unknown_column',
        message: expect.stringContaining('Did you mean "temp"?'),
      })
    })

    it('become a table to train on', async () => {
      const out = join(directory, 'labelled.parquet')
      const question = {
        ...source,
        from: START + 29 * HOUR,
        to: START + 32 * HOUR,
        features: ['holiday', 'temp'],
        target: 'cnt',
        timeColumn: 'dteday',
      }
      expect(await labelledTable(question, out)).toEqual({ rows: 3, versions: [1, 2] })
      expect((await readRows(out, {})).rows).toEqual([
        { dteday: '2012-01-02T05:00:00', holiday: 0, temp: 0.29, cnt: 59 },
        { dteday: '2012-01-02T06:00:00', holiday: 1, temp: 0.3, cnt: 61 },
        { dteday: '2012-01-02T07:00:00', holiday: null, temp: 1, cnt: 63 },
      ])
      expect(await labelledTable({ ...source, to: START, features: [], target: 'cnt' }, out)).toEqual({
        rows: 0,
        versions: [],
      })
    })

    it('stop when told to', async () => {
      const stopped = AbortSignal.abort(new Error('the worker drains'))
      await expect(
        orderedRows({ ...source, from: START, to: START + HOUR }, { signal: stopped }),
      ).rejects.toThrow('the worker drains')
    })
  })

  it('scores versions by month, on all their rows or on the same ones', async () => {
    const answers = range(1, 60).map(sequence =>
      record(sequence, { eventTime: START + sequence * 24 * HOUR }),
    )
    const copies = answers
      .filter(({ sequence }) => sequence > 20)
      .map(answer => ({
        ...answer,
        sequence: answer.sequence + 100,
        version: 2,
        role: 'shadow' as const,
        output: answer.output + 3,
      }))
    const source = {
      files: [await written(answers), await written(copies)],
      labels: await labelled(answers.map(({ sequence }) => label(sequence, sequence * 2 + (sequence % 3)))),
    }
    const expected = (version: number, rows: readonly PredictionRecord[], month: string) => ({
      version,
      month,
      rows: rows.length,
      ...regressionMetrics(
        rows.map(({ id }) => Number(id.slice(5)) * 2 + (Number(id.slice(5)) % 3)),
        rows.map(({ output }) => output),
      ),
    })
    const [january, february] = [answers.slice(0, 30), answers.slice(30)]
    const byMonth = await errorsByMonth({ ...source, versions: [1, 2] })
    expect(byMonth).toEqual([
      expected(1, january, '2012-01'),
      expected(1, february, '2012-02'),
      expected(2, copies.slice(0, 10), '2012-01'),
      expected(2, copies.slice(10), '2012-02'),
    ])
    const same = await errorsByMonth({ ...source, versions: [1, 2], sameRows: true })
    expect(same[0]).toEqual(expected(1, january.slice(20), '2012-01'))
    expect(same.map(({ rows }) => rows)).toEqual([10, 29, 10, 29])
  })
})
