import { describe, expect, it } from '@jest/globals'
import type { Json } from '../../../domain/canonical-json.js'
import type { TransformationStep } from '../../../contracts/rest/transformations.js'
import { checkColumns, nextBatch } from '../../../domain/transformations/plan.js'
import { stepProblems } from '../../../domain/transformations/problems.js'
import type { Step } from '../../../domain/transformations/steps.js'

/** A good step of each kind. */
const GOOD = {
  impute: { kind: 'impute', columns: ['x', 's'], strategy: 'most_frequent', indicator: true },
  scale: { kind: 'scale', columns: ['x'], method: 'robust' },
  one_hot: { kind: 'one_hot', columns: ['s'], minFrequency: 0.1, maxCategories: 5, unknown: 'infrequent' },
  ordinal: { kind: 'ordinal', columns: ['s'], order: { s: ['a', 'b'] }, unknown: 'value', unknownValue: -1 },
  target: { kind: 'target', columns: ['s'], target: 'y', smoothing: 'auto' },
  bin: { kind: 'bin', columns: ['x'], strategy: 'quantile', bins: 4, encode: 'ordinal' },
  clip: { kind: 'clip', columns: ['x'], min: 0, upperQuantile: 0.99 },
  log: { kind: 'log', columns: ['x'], offset: 2, invalid: 'null' },
  date_parts: { kind: 'date_parts', columns: ['d'], parts: ['year', 'month'], cyclical: true },
  hash: { kind: 'hash', columns: ['s'], buckets: 16, seed: 3, tokens: true },
  interact: { kind: 'interact', columns: ['x', 'i'], degree: 2, interactionOnly: false },
  select: { kind: 'select', columns: ['x'] },
  drop: { kind: 'drop', columns: ['x'] },
  filter: { kind: 'filter', where: 'x > 0' },
  sql: { kind: 'sql', columns: { z: 'x + 1' } },
} satisfies { [Kind in TransformationStep['kind']]: Extract<TransformationStep, { kind: Kind }> }

const COLUMNS = [
  { name: 'i', type: 'BIGINT' },
  { name: 'x', type: 'DOUBLE' },
  { name: 's', type: 'VARCHAR' },
  { name: 'b', type: 'BOOLEAN' },
  { name: 'd', type: 'DATE' },
  { name: 'y', type: 'DOUBLE' },
  { name: 'list', type: 'BIGINT[]' },
]

describe('the steps of a transformation', () => {
  it.each(Object.values(GOOD))('may be $kind', step => {
    const asWritten: TransformationStep = step
    const asChecked: Step = asWritten
    expect(stepProblems([asChecked as unknown as Json])).toEqual([])
    expect(checkColumns([asChecked], COLUMNS).problems).toEqual([])
  })

  it.each<[Json, string, RegExp]>([
    [null, 'steps', /list of 1 to 100/],
    [[], 'steps', /list of 1 to 100/],
    [Array.from({ length: 101 }, () => GOOD.drop), 'steps', /list of 1 to 100/],
    [[1], 'steps[0]', /"kind"/],
    [[{ columns: ['x'] }], 'steps[0]', /"kind"/],
    [[{ kind: 'onehot', columns: ['x'] }], 'steps[0].kind', /Did you mean "one_hot"/],
    [[{ ...GOOD.scale, metod: 'robust' }], 'steps[0].metod', /Did you mean "method"/],
    [[GOOD.drop, { kind: 'scale', columns: ['x'] }], 'steps[1].method', /needed/],
    [[{ ...GOOD.scale, method: 'standart' }], 'steps[0].method', /Did you mean "standard"/],
    [[{ ...GOOD.scale, columns: [] }], 'steps[0].columns', /list of 1/],
    [[{ ...GOOD.scale, columns: ['x', 'x'] }], 'steps[0].columns[1]', /twice/],
    [[{ kind: 'impute', columns: ['x'], strategy: 'constant' }], 'steps[0].value', /needed/],
    [[{ kind: 'impute', columns: ['x'], strategy: 'mean', value: 1 }], 'steps[0].value', /Only for/],
    [[{ ...GOOD.one_hot, minFrequency: 1.5 }], 'steps[0].minFrequency', /whole number from 1/],
    [[{ ...GOOD.one_hot, minFrequency: 0 }], 'steps[0].minFrequency', /whole number from 1/],
    [[{ ...GOOD.one_hot, maxCategories: 0 }], 'steps[0].maxCategories', /1 to/],
    [[{ ...GOOD.one_hot, unknown: 'null' }], 'steps[0].unknown', /not one of/],
    [[{ ...GOOD.ordinal, unknown: 'error' }], 'steps[0].unknownValue', /Only for/],
    [[{ kind: 'ordinal', columns: ['s'], unknown: 'value' }], 'steps[0].unknownValue', /needed/],
    [[{ kind: 'ordinal', columns: ['s'], order: { t: ['a'] } }], 'steps[0].order.t', /none of the columns/],
    [[{ kind: 'ordinal', columns: ['s'], order: { s: ['a', 'a'] } }], 'steps[0].order.s', /twice/],
    [[{ ...GOOD.target, smoothing: -1 }], 'steps[0].smoothing', /auto/],
    [[{ ...GOOD.bin, bins: 1 }], 'steps[0].bins', /2 to 1000/],
    [[{ kind: 'bin', columns: ['x'], strategy: 'uniform' }], 'steps[0].bins', /needed/],
    [[{ ...GOOD.bin, edges: [1, 2] }], 'steps[0].edges', /Only for/],
    [[{ kind: 'bin', columns: ['x'], strategy: 'edges' }], 'steps[0].edges', /needed/],
    [[{ kind: 'bin', columns: ['x'], strategy: 'edges', edges: [2, 1] }], 'steps[0].edges', /above the one/],
    [
      [{ kind: 'bin', columns: ['x'], strategy: 'edges', edges: [1, 2], bins: 2 }],
      'steps[0].bins',
      /Not with/,
    ],
    [[{ kind: 'clip', columns: ['x'] }], 'steps[0]', /Needs a bound/],
    [[{ kind: 'clip', columns: ['x'], min: 2, max: 1 }], 'steps[0]', /above max/],
    [[{ kind: 'clip', columns: ['x'], min: 2, lowerQuantile: 0.1 }], 'steps[0]', /min and lowerQuantile/],
    [[{ kind: 'clip', columns: ['x'], lowerQuantile: 0.9, upperQuantile: 0.1 }], 'steps[0]', /above upper/],
    [[{ kind: 'clip', columns: ['x'], lowerQuantile: 2 }], 'steps[0].lowerQuantile', /0 to 1/],
    [[{ ...GOOD.log, offset: 'one' }], 'steps[0].offset', /number/],
    [[{ ...GOOD.date_parts, parts: ['yaer'] }], 'steps[0].parts[0]', /Did you mean "year"/],
    [[{ ...GOOD.hash, buckets: 1 }], 'steps[0].buckets', /2 to/],
    [[{ ...GOOD.hash, buckets: 5000 }], 'steps[0].buckets', /at most 1000/],
    [[{ ...GOOD.hash, seed: -1 }], 'steps[0].seed', /0 to/],
    [[{ ...GOOD.interact, degree: 4 }], 'steps[0].degree', /2 to 3/],
    [[{ kind: 'interact', columns: ['x'], degree: 2 }], 'steps[0].columns', /two columns/],
    [[{ kind: 'interact', columns: many(46), degree: 2 }], 'steps[0].columns', /1000 products/],
    [[{ kind: 'filter', where: ' ' }], 'steps[0].where', /text/],
    [[{ kind: 'sql', columns: {} }], 'steps[0].columns', /1 to/],
  ])('%j is wrong at %s', (steps, at, message) => {
    const problems = stepProblems(steps)
    expect(problems.map(problem => problem.at)).toContain(at)
    expect(problems.find(problem => problem.at === at)!.message).toMatch(message)
  })

  it('are told all that is wrong with them at once', () => {
    const steps = [{ kind: 'scale' }, GOOD.drop, { kind: 'nope' }]
    expect(stepProblems(steps).map(({ at }) => at)).toEqual([
      'steps[0].columns',
      'steps[0].method',
      'steps[2].kind',
    ])
  })
})

function many(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `c${i}`)
}

describe('the columns that steps see', () => {
  it.each<[Step[], string, RegExp]>([
    [[{ kind: 'scale', columns: ['xx'], method: 'robust' }], 'steps[0].columns[0]', /Did you mean "x"/],
    [[{ kind: 'scale', columns: ['s'], method: 'robust' }], 'steps[0].columns[0]', /VARCHAR/],
    [[{ kind: 'one_hot', columns: ['d'] }], 'steps[0].columns[0]', /DATE/],
    [[{ kind: 'one_hot', columns: ['list'] }], 'steps[0].columns[0]', /BIGINT\[\]/],
    [[{ kind: 'target', columns: ['s'], target: 'z' }], 'steps[0].target', /no column "z"/],
    [[{ kind: 'target', columns: ['s'], target: 'd' }], 'steps[0].target', /DATE/],
    [[{ kind: 'target', columns: ['y'], target: 'y' }], 'steps[0].target', /by itself/],
    [[{ kind: 'hash', columns: ['x'], buckets: 4 }], 'steps[0].columns[0]', /DOUBLE/],
    [[{ kind: 'date_parts', columns: ['s'], parts: ['year'] }], 'steps[0].columns[0]', /VARCHAR/],
    [[{ kind: 'impute', columns: ['s'], strategy: 'constant', value: 1 }], 'steps[0].value', /VARCHAR/],
    [[{ kind: 'impute', columns: ['i'], strategy: 'constant', value: 1.5 }], 'steps[0].value', /BIGINT/],
    [[{ kind: 'ordinal', columns: ['b'], order: { b: ['x'] } }], 'steps[0].order.b[0]', /BOOLEAN/],
    [[{ kind: 'drop', columns: COLUMNS.map(({ name }) => name) }], 'steps[0]', /No column would be left/],
    [[{ kind: 'sql', columns: { X: '1' } }], 'steps[0].columns', /two columns "X"/],
    [
      [GOOD.drop, { kind: 'scale', columns: ['x'], method: 'robust' }],
      'steps[1].columns[0]',
      /no column "x" here/,
    ],
    [
      [
        { kind: 'one_hot', columns: ['s'] },
        { kind: 'drop', columns: ['t_a'] },
      ],
      'steps[1].columns[0]',
      /no column "t_a"/,
    ],
    [[GOOD.hash as Step, { kind: 'sql', columns: { S_0: '1' } }], 'steps[1].columns', /two columns "S_0"/],
  ])('%j: %s', (steps, at, message) => {
    const { problems } = checkColumns(steps, COLUMNS)
    expect(problems.map(problem => problem.at)).toEqual([at])
    expect(problems[0]!.message).toMatch(message)
  })

  it('are followed, and those of one_hot are open until the fit', () => {
    const steps: Step[] = [
      { kind: 'one_hot', columns: ['s'] },
      { kind: 'sql', columns: { z: 'x * 2' } },
      { kind: 'scale', columns: ['s_red', 'z'], method: 'standard' },
      { kind: 'drop', columns: ['list', 'b'] },
    ]
    const { problems, columns, open } = checkColumns(steps, COLUMNS)
    expect(problems).toEqual([])
    expect(open).toEqual(['s_'])
    expect(columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'i BIGINT',
      'x DOUBLE',
      'd DATE',
      'y DOUBLE',
      'z DOUBLE',
    ])
  })

  it('say which steps are fitted together', () => {
    const steps: Step[] = [
      { kind: 'scale', columns: ['x'], method: 'standard' },
      { kind: 'one_hot', columns: ['s'] },
      { kind: 'log', columns: ['i'], invalid: 'null' },
      { kind: 'target', columns: ['b'], target: 'y' },
      { kind: 'bin', columns: ['x'], strategy: 'quantile', bins: 3 },
      { kind: 'filter', where: 'y > 0' },
      { kind: 'clip', columns: ['y'], upperQuantile: 0.9 },
    ]
    expect(nextBatch(steps, 0, COLUMNS)).toEqual({ fitted: [0, 1, 3], until: 4 })
    expect(nextBatch(steps, 4, COLUMNS)).toEqual({ fitted: [4], until: 6 })
    expect(nextBatch(steps, 6, COLUMNS)).toEqual({ fitted: [6], until: 7 })
  })
})
