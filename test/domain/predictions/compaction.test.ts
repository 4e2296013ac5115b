import fc from 'fast-check'
import { describe, expect, it } from '@jest/globals'
import {
  type CompactableFile,
  type CompactionPolicy,
  MOST_FILES_MERGED,
  planCompaction,
} from '../../../domain/predictions/compaction.js'
import { joinSegments, segmentRange, sharedRange } from '../../../domain/predictions/segment-ranges.js'

const DAY = 86_400_000
const HOUR = 3_600_000
const NOW = Date.UTC(2026, 0, 1)
const POLICY: CompactionPolicy = { files: 16, quietMs: HOUR, maxRows: 1_000, maxBytes: 100_000 }

let count = 0
const file = (change: Partial<CompactableFile> = {}): CompactableFile => ({
  id: `file-${++count}`,
  minEventTime: NOW,
  maxEventTime: NOW + 5_000,
  maxRevision: 1,
  rows: 10,
  bytes: 500,
  sources: 1,
  createdAt: NOW,
  ...change,
})
const many = (length: number, change: (at: number) => Partial<CompactableFile> = () => ({})) =>
  Array.from({ length }, (_, at) => file(change(at)))
const later = NOW + 2 * HOUR

/** What the catalogue has after the merges, and how much was written for them. */
function compacted(files: readonly CompactableFile[], plan: readonly (readonly string[])[]) {
  const left = new Map(files.map(each => [each.id, each]))
  let written = 0
  for (const ids of plan) {
    const sources = ids.map(id => left.get(id)!)
    for (const id of ids) left.delete(id)
    const sum = (valueOf: (each: CompactableFile) => number) =>
      sources.reduce((total, each) => total + valueOf(each), 0)
    const merged = file({
      minEventTime: Math.min(...sources.map(each => each.minEventTime)),
      maxEventTime: Math.max(...sources.map(each => each.maxEventTime)),
      maxRevision: Math.max(...sources.map(each => each.maxRevision)),
      rows: sum(each => each.rows),
      bytes: sum(each => each.bytes),
      sources: sum(each => each.sources),
      createdAt: Math.max(...sources.map(each => each.createdAt)),
    })
    left.set(merged.id, merged)
    written += merged.rows + merged.sources
  }
  return { files: [...left.values()], written }
}

/** Merges until there is nothing to do. */
function settled(files: readonly CompactableFile[], now: number) {
  let [current, written, ticks] = [files, 0, 0]
  for (;;) {
    const plan = planCompaction(current, POLICY, now)
    if (plan.length === 0) return { files: current, written, ticks }
    const next = compacted(current, plan)
    current = next.files
    written += next.written
    ticks++
  }
}

const total = (files: readonly CompactableFile[], key: 'rows' | 'bytes' | 'sources') =>
  files.reduce((sum, each) => sum + each[key], 0)
const dayOf = (time: number) => Math.floor(time / DAY)

const anyFile = fc
  .record({
    day: fc.integer({ min: -2, max: 9 }),
    at: fc.integer({ min: 0, max: DAY - 1 }),
    length: fc.oneof(fc.integer({ min: 0, max: 60_000 }), fc.integer({ min: 0, max: 20 * DAY })),
    maxRevision: fc.integer({ min: 0, max: 3 }),
    rows: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 1_500 })),
    bytes: fc.integer({ min: 1, max: 3_000 }),
    age: fc.integer({ min: 0, max: 2 * HOUR }),
  })
  .map(({ day, at, length, age, ...more }) => {
    const minEventTime = day * DAY + at
    return file({ ...more, minEventTime, maxEventTime: minEventTime + length, createdAt: NOW - age })
  })
const anyFiles = fc.array(anyFile, { maxLength: 120 })

describe('which files are merged', () => {
  it('takes each at most once, only files that are there, within the limits', () => {
    fc.assert(
      fc.property(anyFiles, files => {
        const known = new Map(files.map(each => [each.id, each]))
        const plan = planCompaction(files, POLICY, NOW)
        const ids = plan.flat()
        expect(new Set(ids).size).toBe(ids.length)
        for (const group of plan) {
          const sources = group.map(id => known.get(id)!)
          expect(group.length).toBeGreaterThanOrEqual(2)
          expect(group.length).toBeLessThanOrEqual(MOST_FILES_MERGED)
          expect(total(sources, 'rows')).toBeLessThanOrEqual(POLICY.maxRows)
          expect(total(sources, 'bytes')).toBeLessThanOrEqual(POLICY.maxBytes)
          expect(new Set(sources.map(each => each.maxRevision)).size).toBe(1)
        }
      }),
    )
  })

  it('keeps the files of a day apart from those of other days', () => {
    fc.assert(
      fc.property(anyFiles, files => {
        const withinDay = (each: CompactableFile) => dayOf(each.minEventTime) === dayOf(each.maxEventTime)
        const days = (each: readonly CompactableFile[]) => total(each.filter(withinDay), 'rows')
        const after = settled(files, later).files
        expect(days(after)).toBe(days(files))
      }),
    )
  })

  it('ends, loses nothing, and rewrites a row no more than log2 of the limit times', () => {
    fc.assert(
      fc.property(anyFiles, files => {
        const { files: after, written } = settled(files, later)
        for (const key of ['rows', 'bytes', 'sources'] as const) {
          expect(total(after, key)).toBe(total(files, key))
        }
        const weight = total(files, 'rows') + total(files, 'sources')
        // Sources weigh too, so that a merged file may weigh a little more than its rows are.
        expect(written).toBeLessThanOrEqual(weight * Math.ceil(Math.log2(2 * POLICY.maxRows)))
      }),
    )
  })

  it('leaves a quiet day with few files, however large they are', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 1_200 }), { maxLength: 400 })
    fc.assert(
      fc.property(sizes, rows => {
        const files = rows.map((each, at) => file({ rows: each, minEventTime: NOW + at, bytes: each + 1 }))
        const { files: after } = settled(files, later)
        const logarithmic = 2 * Math.ceil(Math.log2(2 * POLICY.maxRows))
        expect(after.length).toBeLessThanOrEqual(logarithmic + (10 * total(files, 'rows')) / POLICY.maxRows)
      }),
    )
  })

  it('keeps a day small while files come each 5 s, and makes it one when it is over', () => {
    const policy = { ...POLICY, maxRows: 1_000_000, maxBytes: 128 * 2 ** 20 }
    let [files, written, most]: [CompactableFile[], number, number] = [[], 0, 0]
    const tick = (now: number) => {
      const next = compacted(files, planCompaction(files, policy, now))
      files = next.files
      written += next.written
    }
    const ingested = DAY / 5_000
    for (let at = 0; at < ingested; at++) {
      const time = NOW + at * 5_000
      files.push(file({ minEventTime: time, maxEventTime: time + 4_999, createdAt: time }))
      if (at % 60 !== 0) continue
      tick(time)
      most = Math.max(most, files.length)
    }
    expect(most).toBeLessThanOrEqual(20)
    for (let i = 0; i < 5; i++) tick(NOW + 2 * DAY)
    expect(files).toMatchObject([{ rows: 10 * ingested, sources: ingested }])
    expect(written / (11 * ingested)).toBeLessThanOrEqual(5)
  })

  it.each([
    ['too few while more come', many(15), NOW, []],
    ['enough', many(16), NOW, [16]],
    ['two, when nothing came for an hour', many(2), NOW + HOUR, [2]],
    ['one', many(1), later, []],
    ['of several plans', many(20, at => ({ maxRevision: at % 2 })), later, [10, 10]],
    ['full ones', many(4, () => ({ rows: 1_000 })), later, []],
    ['full ones by their bytes', many(4, () => ({ bytes: 100_000 })), later, []],
    ['more than fit into one', many(30, () => ({ rows: 90 })), later, [11, 11, 8]],
    ['a large one, for the sake of a small one', [file({ rows: 900 }), file({ rows: 1 })], later, []],
    ['a large one that the small ones make twice as large', [file({ rows: 100 }), ...many(10)], later, [11]],
    ['without rows', many(3, () => ({ rows: 0, maxRevision: 0 })), later, [3]],
    [
      'across midnight with each other',
      many(4, at => ({ minEventTime: NOW + (3 + at) * DAY - 5, maxEventTime: NOW + (3 + at) * DAY + 5 })),
      later,
      [4],
    ],
  ] as const)('%s', (_, files, now, expected) => {
    const plan = planCompaction(files, POLICY, now)
    expect(plan.map(ids => ids.length)).toEqual(expected)
  })

  it('merges neighbours in event time, where they are of about one size', () => {
    const policy = { ...POLICY, maxRows: 100 }
    const files = many(16, at => ({
      id: `${at}`,
      minEventTime: NOW + ((at * 7) % 16) * 5_000,
      rows: 20 + (at % 3),
    }))
    const times = new Map(files.map(each => [each.id, each.minEventTime]))
    const plan = planCompaction(files, policy, later).map(ids => ids.map(id => times.get(id)!))
    expect(plan.flat()).toEqual(plan.flat().toSorted((a, b) => a - b))
  })
})

describe('segments', () => {
  it('are said in few words, and none is lost', () => {
    const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 60 }))
    fc.assert(
      fc.property(fc.record({ a: numbers, b: numbers }), replicas => {
        const names = Object.entries(replicas).flatMap(([replica, own]) =>
          own.map(each => `${replica}/${each}`),
        )
        const half = Math.floor(names.length / 2)
        const joined = joinSegments([
          ...joinSegments(names.slice(0, half)),
          ...joinSegments(names.slice(half)),
        ])
        expect(joined).toEqual(joinSegments(names))
        const ranges = joined.map(segmentRange)
        const back = ranges.flatMap(({ replica, first, last }) =>
          Array.from({ length: last - first + 1 }, (_, i) => `${replica}/${first + i}`),
        )
        expect(back.toSorted()).toEqual(names.toSorted())
        expect(sharedRange(ranges)).toBeUndefined()
      }),
    )
  })

  it.each([
    [
      ['a/1', 'a/2', 'a/3', 'b/4'],
      ['a/1-3', 'b/4'],
    ],
    [
      ['a/3', 'a/1-2', 'a/5'],
      ['a/1-3', 'a/5'],
    ],
  ])('%j: %j', (given, joined) => {
    expect(joinSegments(given)).toEqual(joined)
  })

  it('that two files share are found', () => {
    const shared = (texts: readonly string[]) => sharedRange(texts.map(segmentRange))
    expect(shared(['a/1-5', 'b/3', 'a/5'])).toEqual({ replica: 'a', first: 5, last: 5 })
    expect(shared(['a/1-5', 'a/6-9', 'b/5'])).toBeUndefined()
  })
})
