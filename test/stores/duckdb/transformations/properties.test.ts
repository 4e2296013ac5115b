import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { canonicalJson, type Json } from '../../../../domain/canonical-json.js'
import { MlforgeError } from '../../../../domain/errors.js'
import { applyRow, type Row } from '../../../../domain/transformations/apply-row.js'
import { type FittedTransformation, fittedJson } from '../../../../domain/transformations/fitted.js'
import { checkColumns } from '../../../../domain/transformations/plan.js'
import { inputProblems, replayOf } from '../../../../domain/transformations/replay.js'
import { stepProblems } from '../../../../domain/transformations/problems.js'
import { readFitted } from '../../../../domain/transformations/read-fitted.js'
import type { Step } from '../../../../domain/transformations/steps.js'
import {
  applyFolds,
  applyTransformation,
  crossFit,
  fitTransformation,
} from '../../../../stores/duckdb/transformations.js'
import { temporaryDirectory } from '../tables.js'
import { type Columns, rowsOf, table, type Type } from './tables.js'

const moment = (from: string, until: string): fc.Arbitrary<string> =>
  fc.date({ min: new Date(from), max: new Date(until), noInvalidDate: true }).map(date => date.toISOString())

const few = (...values: unknown[]): fc.Arbitrary<unknown> => fc.constantFrom(...values)
const unicode = fc.string({ unit: 'binary', maxLength: 12 }).filter(text => !text.includes('\0'))
const doubles = fc.double({ noDefaultInfinity: true, noNaN: true })

/** Values of the rows that are fitted to. */
const VALUES: Readonly<Record<Type, fc.Arbitrary<unknown>>> = {
  number: fc.oneof(few(0, 1, 2.5, '-0.0', 'NaN', null), fc.integer({ min: -9, max: 9 }), doubles),
  integer: fc.oneof(few(0, 1, 2, null), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)),
  string: fc.oneof(few('a', 'b', 'A b a', "d'é", '', null), unicode),
  boolean: few(true, false, null),
  date: fc.oneof(
    few(null),
    moment('0001-01-01', '9999-12-31').map(text => text.slice(0, 10)),
  ),
  timestamp: fc.oneof(
    few(null),
    moment('1700-01-01', '2200-12-31').map(text => text.replace('Z', '')),
  ),
}
/** And of those that they are applied to. */
const LATER: typeof VALUES = { ...VALUES, number: fc.oneof(VALUES.number, few('Infinity', '-Infinity')) }

const NAMES: Readonly<Record<string, Type>> = {
  ...{ n: 'number', m: 'number', i: 'integer', s: 'string', u: 'string' },
  ...{ b: 'boolean', d: 'date', t: 'timestamp', y: 'number' },
}

function tables(values: typeof VALUES, rows: number): fc.Arbitrary<Columns> {
  const columns = Object.entries(NAMES).map(([name, type]) => {
    const own = name === 'y' ? fc.integer({ min: -50, max: 50 }) : values[type]
    const list = fc.array(own, { minLength: rows, maxLength: rows })
    return [name, list.map((each): [Type, unknown[]] => [type, each])] as const
  })
  return fc.record(Object.fromEntries(columns))
}

const numeric = fc.subarray(['n', 'm', 'i'], { minLength: 1 })
const categorical = fc.subarray(['s', 'i', 'n', 'b'], { minLength: 1 })
const share = fc.double({ min: 0, max: 1, noNaN: true })
const isIt = fc.boolean()

const STEPS: Readonly<Record<Exclude<Step['kind'], 'filter' | 'sql'>, fc.Arbitrary<unknown>>> = {
  impute: fc.oneof(
    fc.record({ columns: numeric, strategy: few('mean', 'median'), indicator: isIt }),
    fc.record({
      columns: fc.subarray(['n', 'i', 's', 'b', 'd', 't'], { minLength: 1 }),
      strategy: few('most_frequent'),
      indicator: isIt,
    }),
    fc.record({ columns: few(['s'], ['u', 's']), strategy: few('constant'), value: few('x', 'ü') }),
  ),
  scale: fc.record({ columns: numeric, method: few('standard', 'min_max', 'robust', 'max_abs') }),
  one_hot: fc.record(
    {
      columns: categorical,
      unknown: few('ignore', 'infrequent'),
      minFrequency: few(1, 2, 0.2),
      maxCategories: few(1, 2, 3),
      nulls: few('zeros', 'category'),
      dropOriginal: isIt,
    },
    { requiredKeys: ['columns', 'unknown'] },
  ),
  ordinal: fc.oneof(
    fc.record({ columns: categorical, unknown: few('null') }),
    fc.record({
      columns: few(['s']),
      unknown: few('value'),
      unknownValue: few(-1),
      order: few({ s: ['b', 'a'] }),
    }),
  ),
  target: fc.record({ columns: categorical, target: few('y'), smoothing: few('auto', 0, 2.5) }),
  bin: fc.oneof(
    fc.record({
      columns: numeric,
      strategy: few('quantile', 'uniform'),
      bins: fc.integer({ min: 2, max: 9 }),
    }),
    fc.record({ columns: numeric, strategy: few('edges'), edges: few([-1, 0, 0.5, 3], [0, 1]) }),
  ),
  clip: fc.oneof(
    fc.record({ columns: numeric, min: few(-2, 0), max: few(0, 1e10) }),
    fc.record({ columns: numeric, lowerQuantile: share.map(x => x / 2), upperQuantile: few(0.5, 0.9, 1) }),
  ),
  log: fc.record({ columns: numeric, offset: few(0, 1, 2.5), invalid: few('null') }),
  date_parts: fc.record({
    columns: fc.subarray(['d', 't'], { minLength: 1 }),
    parts: fc.subarray(
      [
        ...(['year', 'quarter', 'month', 'day', 'day_of_week', 'day_of_year', 'week'] as const),
        ...(['hour', 'minute', 'is_weekend'] as const),
      ],
      { minLength: 1 },
    ),
    cyclical: isIt,
    dropOriginal: isIt,
  }),
  hash: fc.record({
    columns: fc.subarray(['s', 'u'], { minLength: 1 }),
    buckets: fc.integer({ min: 2, max: 20 }),
    seed: few(0, 7),
    tokens: isIt,
  }),
  interact: fc.record({
    columns: fc.subarray(['n', 'm', 'i'], { minLength: 2 }),
    degree: few(2, 3),
    interactionOnly: isIt,
  }),
  select: fc.record({ columns: fc.shuffledSubarray(Object.keys(NAMES), { minLength: 1 }) }),
  drop: fc.record({ columns: fc.subarray(['n', 'i', 's']).filter(list => list.length > 0) }),
}

/** Equal to 12 digits: logarithms of two libraries differ in the last bit. */
function near(a: Json, b: Json): boolean {
  if (typeof a !== 'number' || typeof b !== 'number') return a === b
  return a === b || Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b))
}

function differences(ours: readonly Row[], theirs: readonly Row[]): unknown[] {
  return theirs.flatMap((row, i) =>
    Object.keys({ ...row, ...ours[i] }).flatMap(name =>
      near(ours[i]![name] ?? null, row[name] ?? null)
        ? []
        : [{ i, name, ours: ours[i]![name], theirs: row[name] }],
    ),
  )
}

/** Scaled, or taken the logarithm of again, the last bit of a logarithm can become any number of them. */
const areSteady = (steps: readonly Step[]): boolean =>
  steps.every(
    ({ kind }, i) =>
      kind !== 'log' || !steps.slice(i + 1).some(({ kind: later }) => ['scale', 'log'].includes(later)),
  )

describe('for any table', () => {
  let directory: string
  beforeAll(async () => {
    directory = await temporaryDirectory()
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))
  const out = (): string => join(directory, `${Math.random()}.parquet`)

  /** Undefined where the rows cannot be fitted, which is told. */
  async function fit(
    file: string,
    steps: readonly Step[],
    where?: string,
  ): Promise<FittedTransformation | undefined> {
    try {
      return await fitTransformation({ file, steps, ...(where !== undefined && { where }) })
    } catch (error) {
      if (error instanceof MlforgeError && error.code === 'transformation_invalid') return undefined
      throw error
    }
  }

  it.each(Object.entries(STEPS))('single rows are transformed by %s as tables are', async (kind, ofKind) => {
    let fittedOnes = 0
    await fc.assert(
      fc.asyncProperty(
        ofKind,
        tables(VALUES, 12),
        tables(LATER, 12),
        async (fields, fitTable, laterTable) => {
          const steps = [{ kind, ...(fields as object) } as Step]
          expect(stepProblems(steps as unknown as Json)).toEqual([])
          const fitted = await fit(await table(directory, fitTable), steps)
          if (fitted === undefined) return
          fittedOnes++
          const [file, outFile] = [await table(directory, laterTable), out()]
          const { columns } = await applyTransformation({ file, fitted, outFile })
          expect(columns).toEqual(fitted.output)
          if (kind !== 'one_hot') expect(columns).toEqual(checkColumns(steps, fitted.input).columns)
          const read = readFitted(JSON.parse(canonicalJson(fittedJson(fitted))) as Json)
          const ours = (await rowsOf(file)).map(row => applyRow(read, row))
          expect(differences(ours, await rowsOf(outFile))).toEqual([])
        },
      ),
      { numRuns: 15 },
    )
    expect(fittedOnes).toBeGreaterThan(0)
  })

  it('and for steps in a row, also as far as some of the columns need them', async () => {
    const any = fc.oneof(
      ...Object.entries(STEPS).map(([kind, fields]) =>
        fields.map(own => ({ kind, ...(own as object) }) as Step),
      ),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(any, { minLength: 2, maxLength: 5 }).filter(areSteady),
        tables(VALUES, 9),
        fc.infiniteStream(isIt),
        async (steps, columns, isWanted) => {
          const file = await table(directory, columns)
          const fitted = await fit(file, steps)
          if (fitted === undefined) return
          const outFile = out()
          await applyTransformation({ file, fitted, outFile })
          const [before, made] = [await rowsOf(file), await rowsOf(outFile)]
          const ours = before.map(row => applyRow(fitted, row))
          expect(differences(ours, made)).toEqual([])
          const wanted = fitted.output.flatMap(({ name }) => (isWanted.next().value === true ? [name] : []))
          const replay = replayOf(fitted, wanted)
          const only = (row: Row, names: readonly string[]) =>
            Object.fromEntries(names.map(name => [name, row[name]!]))
          const inputs = replay.input.map(({ name }) => name)
          const replayed = before.map(row => replay.apply(only(row, inputs)))
          expect(before.map(row => inputProblems(replay, row))).toEqual(before.map(() => []))
          expect(
            differences(
              replayed,
              made.map(row => only(row, wanted)),
            ),
          ).toEqual([])
        },
      ),
      { numRuns: 40 },
    )
  })

  const LEARNING: Step[] = [
    { kind: 'impute', columns: ['m', 's'], strategy: 'most_frequent' },
    { kind: 'one_hot', columns: ['b'], nulls: 'category', unknown: 'ignore' },
    { kind: 'ordinal', columns: ['u'], unknown: 'null' },
    { kind: 'target', columns: ['s', 'i'], target: 'y' },
    { kind: 'bin', columns: ['m'], strategy: 'quantile', bins: 4 },
    { kind: 'scale', columns: ['s', 'y'], method: 'standard' },
    { kind: 'clip', columns: ['y'], lowerQuantile: 0.1, upperQuantile: 0.9 },
  ]
  const tame: typeof VALUES = {
    ...VALUES,
    number: fc.oneof(few(null, 1, 2), fc.integer({ min: -99, max: 99 })),
  }

  it('rows outside the predicate have no part in the state', async () => {
    await fc.assert(
      fc.asyncProperty(
        tables(tame, 14),
        tables(LATER, 14),
        fc.array(isIt, { minLength: 14, maxLength: 14 }),
        async (first, second, kept) => {
          const mixed = Object.fromEntries(
            Object.entries(first).map(([name, [type, values]]) => [
              name,
              [type, values.map((value, i) => (kept[i] ? value : second[name]![1][i]))] as const,
            ]),
          )
          const where = 'isIn'
          const states = await Promise.all(
            [first, mixed].map(async columns => {
              const file = await table(directory, { ...columns, isIn: ['boolean', kept] })
              const fitted = await fit(file, LEARNING, where)
              return fitted && canonicalJson(fittedJson(fitted))
            }),
          )
          expect(states[1]).toBe(states[0])
        },
      ),
      { numRuns: 25 },
    )
  })

  it('in cross-fitting the own target has no part in what a row becomes', async () => {
    const steps: Step[] = [
      { kind: 'target', columns: ['s', 'b'], target: 'y' },
      { kind: 'one_hot', columns: ['i'], minFrequency: 2 },
      { kind: 'scale', columns: ['s'], method: 'standard' },
      { kind: 'drop', columns: ['y'] },
    ]
    await fc.assert(
      fc.asyncProperty(
        tables(tame, 12),
        fc.nat(11),
        fc.integer({ min: 60, max: 99 }),
        async (columns, own, value) => {
          const other = [...columns['y']![1]]
          other[own] = value
          const rows = await Promise.all(
            [columns, { ...columns, y: ['number', other] as const }].map(async each => {
              const outFile = out()
              const asked = { file: await table(directory, each), folds: { count: 3, seed: 1 } }
              await applyFolds({ ...(await crossFit({ ...asked, steps })), ...asked, outFile })
              return rowsOf(outFile)
            }),
          )
          expect(rows[1]![own]).toEqual(rows[0]![own])
        },
      ),
      { numRuns: 15 },
    )
  })
})
