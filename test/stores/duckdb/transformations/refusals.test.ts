import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Step } from '../../../../domain/transformations/steps.js'
import { text, withDuckDb } from '../../../../stores/duckdb/duckdb.js'
import {
  applyTransformation,
  crossFit,
  fitTransformation,
} from '../../../../stores/duckdb/transformations.js'
import { temporaryDirectory } from '../tables.js'
import { BIKES, refusal, table } from './tables.js'

describe('transformations that are refused', () => {
  let directory: string
  let bikes: string
  beforeAll(async () => {
    directory = await temporaryDirectory()
    bikes = await table(directory, BIKES)
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  const out = (): string => join(directory, `${Math.random()}.parquet`)

  it.each<[string, Step[], string, RegExp]>([
    [
      'no value',
      [{ kind: 'impute', columns: ['nothing'], strategy: 'mean' }],
      'steps[0].columns[0]',
      /no value/,
    ],
    [
      'no value',
      [{ kind: 'impute', columns: ['nothing'], strategy: 'most_frequent' }],
      'steps[0].columns[0]',
      /no value/,
    ],
    [
      'no value',
      [{ kind: 'scale', columns: ['nothing'], method: 'robust' }],
      'steps[0].columns[0]',
      /no value/,
    ],
    [
      'infinities',
      [{ kind: 'scale', columns: ['x', 'infinite'], method: 'standard' }],
      'steps[0].columns[1]',
      /infinite in 1 row/,
    ],
    ['infinities', [{ kind: 'ordinal', columns: ['infinite'] }], 'steps[0].columns[0]', /infinite/],
    ['NUL', [{ kind: 'one_hot', columns: ['nul'] }], 'steps[0].columns[0]', /NUL/],
    [
      'an infinite target',
      [{ kind: 'target', columns: ['x'], target: 'infinite' }],
      'steps[0].target',
      /infinite/,
    ],
    [
      'a target without values',
      [{ kind: 'target', columns: ['x'], target: 'nothing' }],
      'steps[0].target',
      /no value/,
    ],
    [
      'overflow',
      [{ kind: 'scale', columns: ['huge'], method: 'min_max' }],
      'steps[0].columns[0]',
      /too large/,
    ],
    [
      'logarithms',
      [{ kind: 'log', columns: ['x'], offset: 0 }],
      'steps[0].columns[0]',
      /0 or less in 2 rows/,
    ],
    [
      'categories beside the order',
      [{ kind: 'ordinal', columns: ['x'], order: { x: [1] } }],
      'steps[0].columns[0]',
      /2 categories/,
    ],
    [
      'bounds that cross',
      [{ kind: 'clip', columns: ['x'], min: 5, upperQuantile: 0.5 }],
      'steps[0].columns[0]',
      /above the upper/,
    ],
    [
      'a constant out of range',
      [{ kind: 'impute', columns: ['small'], strategy: 'constant', value: 1000 }],
      'steps[0].value',
      /TINYINT/,
    ],
    [
      'a constant that is no date',
      [{ kind: 'impute', columns: ['day'], strategy: 'constant', value: 'soon' }],
      'steps[0].value',
      /DATE/,
    ],
    [
      'a column that is not made',
      [
        { kind: 'one_hot', columns: ['x'] },
        { kind: 'drop', columns: ['x_9'] },
      ],
      'steps[1].columns[0]',
      /x_9/,
    ],
    [
      'no column',
      [
        { kind: 'one_hot', columns: ['nothing'] },
        { kind: 'drop', columns: ['x', 'infinite', 'huge', 'small', 'day', 'nul'] },
      ],
      'steps[1]',
      /No column/,
    ],
    ['a window', [{ kind: 'sql', columns: { z: 'avg(x) OVER ()' } }], 'steps[0].columns.z', /window/],
    ['a subquery', [{ kind: 'filter', where: 'x > (SELECT 1)' }], 'steps[0].where', /subquery/],
    [
      'chance',
      [{ kind: 'sql', columns: { z: 'x + random()' } }],
      'steps[0].columns.z',
      /random\(\) does not/,
    ],
    ['the time', [{ kind: 'filter', where: 'day < today()' }], 'steps[0].where', /today\(\) does not/],
    [
      'the date',
      [{ kind: 'filter', where: 'day < CURRENT_DATE' }],
      'steps[0].where',
      /current_date does not/,
    ],
    ...(
      [
        { kind: 'bin', columns: ['x'], strategy: 'uniform', bins: 3 },
        { kind: 'one_hot', columns: ['x'] },
        { kind: 'ordinal', columns: ['x'] },
        { kind: 'target', columns: ['x'], target: 'huge' },
      ] as const
    ).map((step): [string, Step[], string, RegExp] => [
      `${step.kind} of a logarithm`,
      [{ kind: 'log', columns: ['x'], offset: 2 }, { kind: 'clip', columns: ['x'], max: 9 }, step],
      'steps[2].columns[0]',
      /logarithm.*before/,
    ]),
    [
      'categories of a product of a logarithm',
      [
        { kind: 'log', columns: ['x'], offset: 2 },
        { kind: 'interact', columns: ['x', 'huge'], degree: 2 },
        { kind: 'ordinal', columns: ['huge', 'x_x_huge'] },
      ],
      'steps[2].columns[1]',
      /"x_x_huge" is a logarithm, or made of one/,
    ],
    ['an aggregate', [{ kind: 'sql', columns: { z: 'sum(x)' } }], 'steps[0].columns.z', /aggregate/],
    [
      'rows for each row',
      [{ kind: 'sql', columns: { z: 'unnest([1, 2])' } }],
      'steps[0].columns.z',
      /UNNEST/,
    ],
    ['no predicate', [{ kind: 'filter', where: 'day' }], 'steps', /BOOL/],
    ['parameters', [{ kind: 'filter', where: 'x > ?' }], 'steps[0].where', /parameter/],
    [
      'two expressions',
      [{ kind: 'sql', columns: { z: '1) FROM (SELECT 2' } }],
      'steps[0].columns.z',
      /one expression/,
    ],
    ['an unknown column in SQL', [{ kind: 'sql', columns: { z: 'nope + 1' } }], 'steps[0].columns.z', /nope/],
    [
      'two problems',
      [
        { kind: 'drop', columns: ['no'] },
        { kind: 'filter', where: '(' },
      ],
      'steps[1].where',
      /syntax/,
    ],
  ])('cannot be fitted to %s: %j', async (_, steps, at, message) => {
    const file = out()
    await withDuckDb({}, db =>
      db.run(`COPY (SELECT * FROM (VALUES
        (0::DOUBLE, 'inf'::DOUBLE, NULL::DOUBLE, 1e308::DOUBLE, 1::TINYINT, DATE '2011-01-01', 'a' || chr(0)),
        (-1, 1, NULL, -1e308, NULL, NULL, 'b'), (1, 2, NULL, 0, 3, NULL, 'c'))
        t(x, infinite, nothing, huge, small, day, nul)) TO ${text(file)} (FORMAT parquet)`),
    )
    const error = await refusal(fitTransformation({ file, steps }))
    expect(error.code).toBe('transformation_invalid')
    expect(error.details.problems!.map(problem => problem.at)).toContain(at)
    expect(error.details.problems!.find(problem => problem.at === at)!.message).toMatch(message)
  })

  it('are refused without rows, and with more categories than a state holds', async () => {
    const steps: Step[] = [{ kind: 'ordinal', columns: ['n'] }]
    const none = await refusal(
      fitTransformation({ file: bikes, where: 'price < 0', steps: [{ kind: 'drop', columns: ['day'] }] }),
    )
    expect([none.code, none.message]).toEqual(['transformation_invalid', expect.stringMatching(/no rows/)])
    const wrong = await refusal(
      fitTransformation({ file: bikes, where: 'nope', steps: [{ kind: 'drop', columns: ['day'] }] }),
    )
    expect([wrong.code, wrong.message]).toEqual(['transformation_invalid', expect.stringMatching(/nope/)])
    const file = out()
    await withDuckDb({}, db => db.run(`COPY (SELECT 'c' || i AS n FROM range(10001) t(i)) TO ${text(file)}`))
    expect((await refusal(fitTransformation({ file, steps }))).message).toMatch(/more than 10000 categories/)
    const most = await fitTransformation({ file, steps, where: "n <> 'c5'" })
    const outFile = out()
    const error = await refusal(applyTransformation({ file, fitted: most, outFile }))
    expect(error.message).toMatch(/"c5" is no category .* \(1 row\)/)
  })

  it('are not applied to tables or rows that do not fit', async () => {
    const fitted = await fitTransformation({
      file: bikes,
      steps: [
        { kind: 'log', columns: ['price'] },
        { kind: 'target', columns: ['gear'], target: 'weight' },
      ],
    })
    const { color: _, gear, price, ...rest } = BIKES
    const file = await table(directory, { ...rest, Gear: gear!, price: ['string', price![1]] })
    const error = await refusal(applyTransformation({ file, fitted, outFile: out() }))
    expect(error.code).toBe('transformation_mismatch')
    expect(error.details.problems).toEqual([
      { at: 'color', message: 'The table has no column "color" (VARCHAR).' },
      { at: 'gear', message: 'The table has no column "gear" (BIGINT). It has "Gear".' },
      { at: 'price', message: '"price" is VARCHAR; the transformation was fitted to DOUBLE.' },
    ])
    const low = await table(directory, { ...BIKES, price: ['number', [1, -1, -2, 0, null, 5]] })
    const rows = await refusal(applyTransformation({ file: low, fitted, outFile: out() }))
    expect(rows.details.problems).toEqual([
      { at: 'steps[0].columns[0]', message: expect.stringMatching(/"price" is -1 or less in 2 rows/) },
    ])
  })

  it.each([
    [{ count: 1, seed: 0 }, /folds/],
    [{ count: 2.5, seed: 0 }, /folds/],
    [{ count: 2, seed: -1 }, /seed/],
  ])('are not cross-fitted with %j', async (folds, message) => {
    const steps: Step[] = [{ kind: 'drop', columns: ['day'] }]
    const error = await refusal(crossFit({ file: bikes, steps, folds }))
    expect([error.code, error.message]).toEqual(['transformation_invalid', expect.stringMatching(message)])
  })
})
