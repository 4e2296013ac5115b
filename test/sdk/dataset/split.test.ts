import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Dataset } from '../../../sdk/index.js'
import { refused } from './refused.js'

const ROWS = 3000

const columnOf = async (dataset: Dataset, column = 'i'): Promise<unknown[]> =>
  (await dataset.toColumns({ columns: [column] }))[column]!

const counted = (values: readonly unknown[]): Map<unknown, number> => {
  const counts = new Map<unknown, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

describe('split', () => {
  let table: Dataset
  beforeAll(async () => {
    const at = Array.from({ length: ROWS }, (_, i) => i)
    table = await Dataset.fromColumns({
      i: at,
      // A third has none, and one is alone.
      group: at.map(i => (i % 3 === 0 ? null : i === 1 ? 'alone' : `g${i % 7}`)),
      day: at.map(i => new Date(Date.UTC(2012, 0, 1, i))),
    })
  })
  afterAll(() => table.close())

  const inOrder = (values: readonly unknown[]) => values.toSorted((a, b) => Number(a) - Number(b))
  const all = () => Array.from({ length: ROWS }, (_, i) => i)

  it('gives each row to one part, as many as asked, in their order and by the seed alone', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 0.001, max: 0.999, noNaN: true }),
        fc.integer(),
        fc.boolean(),
        async (test, seed, stratifies) => {
          const how = { test, seed, ...(stratifies && { stratify: 'group' }) }
          const parts = await table.split(how)
          const [train, held] = [await columnOf(parts.train), await columnOf(parts.test)]
          expect([parts.train.rows, parts.test.rows]).toEqual([train.length, held.length])
          expect(held).toHaveLength(Math.round(ROWS * test))
          expect(inOrder([...train, ...held])).toEqual(all())
          expect([train, held]).toEqual([inOrder(train), inOrder(held)])
          expect(await columnOf((await table.split(how)).test)).toEqual(held)
        },
      ),
      { numRuns: 25 },
    )
  })

  it('takes the rows with the least MD5 of seed and position', async () => {
    const { test } = await table.split({ test: 0.1, seed: -7 })
    const hash = (i: number) => createHash('md5').update(`-7:${i}`).digest('hex')
    const least = all().toSorted((a, b) => (hash(a) < hash(b) ? -1 : 1))
    expect(await columnOf(test)).toEqual(inOrder(least.slice(0, ROWS / 10)))
    const other = await table.split({ test: 0.1, seed: 8 })
    expect(await columnOf(other.test)).not.toEqual(await columnOf(test))
  })

  it('gives both parts each value of a column in equal shares, to one row each', async () => {
    const { test } = await table.split({ test: 0.2, seed: 1, stratify: 'group' })
    const [whole, part] = [counted(await columnOf(table, 'group')), counted(await columnOf(test, 'group'))]
    for (const [value, count] of whole) {
      expect(Math.abs((part.get(value) ?? 0) - count * 0.2)).toBeLessThanOrEqual(1)
    }
  })

  it('makes folds whose test parts are all rows, equal in size to one row', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 12 }),
        fc.integer(),
        fc.boolean(),
        async (folds, seed, stratifies) => {
          const pairs = await table.split({ folds, seed, ...(stratifies && { stratify: 'group' }) })
          expect(pairs).toHaveLength(folds)
          const tests = await Promise.all(pairs.map(({ test }) => columnOf(test)))
          expect(inOrder(tests.flat())).toEqual(all())
          const sizes = tests.map(({ length }) => length)
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
          const train = await columnOf(pairs[1]!.train)
          expect(train).toHaveLength(pairs[1]!.train.rows)
          expect(inOrder([...train, ...tests[1]!])).toEqual(all())
          if (!stratifies) return
          const [whole, part] = [
            counted(await columnOf(table, 'group')),
            counted(await columnOf(pairs[0]!.test, 'group')),
          ]
          for (const [value, count] of whole) {
            expect(Math.abs((part.get(value) ?? 0) - count / folds)).toBeLessThan(1)
          }
        },
      ),
      { numRuns: 10 },
    )
  })

  it('cuts by time, by number and by Date', async () => {
    for (const until of ['2012-02-01', '2012-02-01T00:00:00Z', new Date('2012-02-01T00:00:00Z')]) {
      const { train, test } = await table.split({ column: 'day', until })
      expect([train.rows, test.rows]).toEqual([31 * 24, ROWS - 31 * 24])
      expect((await test.toRows({ limit: 1 }))[0]).toMatchObject({ i: 31 * 24, day: '2012-02-01T00:00:00' })
      expect(await columnOf(train)).toEqual(all().slice(0, 31 * 24))
    }
    const { train } = await table.split({ column: 'i', until: 10 })
    expect(await columnOf(train)).toEqual(all().slice(0, 10))
  })

  it('splits parts again, and a part as the table that holds the same rows', async () => {
    const { train } = await table.split({ column: 'day', until: '2012-03-01' })
    const { test } = await train.split({ test: 0.25, seed: 3, stratify: 'group' })
    const folds = await test.split({ folds: 3, seed: 4 })
    const tests = await Promise.all(folds.map(fold => columnOf(fold.test)))
    expect(inOrder(tests.flat())).toEqual(await columnOf(test))
    const alone = await Dataset.fromColumns(
      (await test.toColumns({ columns: ['i'] })) as Record<string, number[]>,
    )
    try {
      const again = await alone.split({ folds: 3, seed: 4 })
      expect(await Promise.all(again.map(fold => columnOf(fold.test)))).toEqual(tests)
    } finally {
      await alone.close()
    }
    expect(await test.toRows({ where: 'i < 20', columns: ['i'] })).toEqual(
      (await test.toRows({ columns: ['i'] })).filter(({ i }) => (i as number) < 20),
    )
  })

  it('takes columns of any name', async () => {
    const names = [
      'id',
      'stratum',
      'n',
      'h',
      'h0',
      'part',
      'a',
      'c',
      's',
      'inside',
      'first',
      'a "quoted" one',
      'rows',
    ]
    const values = Array.from({ length: 40 }, (_, i) => i % 4)
    const odd = await Dataset.fromColumns(Object.fromEntries(names.map(each => [each, values])))
    for (const stratify of [undefined, ...names]) {
      const folds = await odd.split({ folds: 5, seed: 2, ...(stratify && { stratify }) })
      const { test, train } = folds[4]!
      const again = await train.split({ test: 0.25, seed: 3, ...(stratify && { stratify }) })
      const found = [test, again.train, again.test].map(each => each.toColumns())
      expect((await Promise.all(found)).map(columns => names.map(each => columns[each]!.length))).toEqual(
        [8, 24, 8].map(rows => names.map(() => rows)),
      )
    }
    await odd.close()
  })

  it('says what is wrong with how it is asked', async () => {
    await refused(table.split({ test: 1, seed: 1 }), 'split_invalid', /share between 0 and 1/)
    await refused(table.split({ test: 0.2, seed: 0.5 }), 'split_invalid', /seed/)
    await refused(table.split({ folds: 1, seed: 1 }), 'split_invalid', /from 2 to 100/)
    await refused(table.split({ test: 0.0001, seed: 1 }), 'split_invalid', /empty/)
    await refused(table.split({ test: 0.2, seed: 1, stratify: 'grup' }), 'unknown_column', /mean "group"/)
    await refused(table.split({ column: 'group', until: 'x' }), 'split_invalid', /"group" is string/)
    await refused(table.split({ column: 'day', until: 7 }), 'split_invalid', /until is 7/)
    await refused(table.split({ column: 'day', until: 'soon' }), 'query_invalid', /soon/)
    await refused(table.split({ column: 'day', until: '2020-01-01' }), 'split_invalid', /empty/)
    const holes = await Dataset.fromColumns({ t: [1, null, 3] })
    await refused(holes.split({ column: 't', until: 2 }), 'split_invalid', /empty in 1 rows/)
    await holes.close()
  })
})
