import { describe, expect, it } from '@jest/globals'
import type { Json } from '../../../domain/canonical-json.js'
import { caseNames, caseProblems, OTHERWISE, takenCase } from '../../../domain/pipelines/branch.js'
import { compilePipeline } from '../../../domain/pipelines/compile.js'

const CASES: Json = [
  { case: 'tiny', below: 1 },
  { case: 'one', equals: 1 },
  { case: 'middle', atLeast: 2, atMost: 10 },
  { case: 'large', above: 10, not: 99 },
  { case: 'named', oneOf: ['a', { b: [1] }] },
]

describe('a branch', () => {
  it.each<[Json, string]>([
    [0.5, 'tiny'],
    [1, 'one'],
    [2, 'middle'],
    [10, 'middle'],
    [10.1, 'large'],
    [99, OTHERWISE],
    ['a', 'named'],
    [{ b: [1] }, 'named'],
    ['1', OTHERWISE],
    [null, OTHERWISE],
    [true, OTHERWISE],
  ])('takes for %j the case %s', (value, taken) => {
    expect(takenCase(value, CASES)).toBe(taken)
  })

  it('takes the first case that holds', () => {
    const both: Json = [
      { case: 'first', above: 0 },
      { case: 'second', above: 0 },
    ]
    expect(takenCase(1, both)).toBe('first')
    expect(caseNames(both)).toEqual(['first', 'second'])
  })

  it.each<[Json | undefined, RegExp]>([
    [undefined, /list of 1 to 50/],
    [[], /list of 1 to 50/],
    [['x'], /Must be an object/],
    [[{ case: 'a' }], /needs a condition/],
    [[{ above: 1 }], /"case" must name it/],
    [[{ case: OTHERWISE, above: 1 }], /not "otherwise"/],
    [[{ case: 'a', abov: 1 }], /no condition "abov". Did you mean "above"/],
    [[{ case: 'a', above: 'x' }], /Must be a number/],
    [[{ case: 'a', oneOf: 1 }], /Must be a list/],
    [
      [
        { case: 'a', above: 1 },
        { case: 'a', below: 1 },
      ],
      /there twice/,
    ],
  ])('refuses %j', (cases, message) => {
    expect(caseProblems(cases, 'cases').map(problem => problem.message)).toContainEqual(
      expect.stringMatching(message),
    )
  })

  it('finds nothing wrong with cases that can be used', () => {
    expect(caseProblems(CASES, 'cases')).toEqual([])
  })

  it('compares with what is referred to, where that can be a number', () => {
    const compile = (above: Json) =>
      compilePipeline(
        {
          parameters: { limit: { type: 'number' }, name: { type: 'string' } },
          steps: { size: { uses: 'branch', with: { value: 7, cases: [{ case: 'large', above }] } } },
        },
        'p',
      ).problems.map(({ path, message }) => `${path.join('.')}: ${message}`)
    expect(compile('${{ parameters.limit }}')).toEqual([])
    expect(compile('${{ parameters.name }}')).toEqual([
      'steps.size.with.cases.0.above: parameters.name is text; expected is a number.',
    ])
    expect(compile('more than ${{ parameters.limit }}')).toEqual([
      'steps.size.with.cases.0: Must be a number.',
      'steps.size.with.cases.0.above: Text with references in it is text; expected is a number.',
    ])
  })
})
