import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { type Condition, formatCondition, parseCondition } from '../../../domain/expectations/conditions.js'

const scalar = fc.oneof(
  fc.string(),
  fc.boolean(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(value => value + 0),
)
const column = fc.string({ minLength: 1 })
const leaf: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({
    op: fc.constant('compare' as const),
    column,
    sign: fc.constantFrom('==', '!=', '<', '<=', '>', '>='),
    value: scalar,
  }),
  fc.record({
    op: fc.constantFrom('in', 'not in'),
    column,
    values: fc.array(scalar, { minLength: 1, maxLength: 4 }),
  }) as fc.Arbitrary<Condition>,
  fc.record({ op: fc.constantFrom('null', 'not null'), column }) as fc.Arbitrary<Condition>,
)
const condition: fc.Arbitrary<Condition> = fc.letrec<{ tree: Condition }>(tie => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.record({
      op: fc.constantFrom('and', 'or'),
      of: fc.array(tie('tree'), { minLength: 2, maxLength: 3 }),
    }) as fc.Arbitrary<Condition>,
  ),
})).tree

describe('row conditions', () => {
  it('are read back from their text', () => {
    fc.assert(
      fc.property(condition, one => {
        expect(parseCondition(formatCondition(one))).toEqual(one)
      }),
    )
  })

  it('bind and closer than or, and read the forms of Great Expectations', () => {
    expect(parseCondition('col("a") > 3 and col("b").notNull() or col("c") == \'x\'')).toEqual({
      op: 'or',
      of: [
        {
          op: 'and',
          of: [
            { op: 'compare', column: 'a', sign: '>', value: 3 },
            { op: 'not null', column: 'b' },
          ],
        },
        { op: 'compare', column: 'c', sign: '==', value: 'x' },
      ],
    })
    expect(parseCondition('col("d") <= date("2026-01-31")')).toEqual({
      op: 'compare',
      column: 'd',
      sign: '<=',
      value: '2026-01-31',
    })
    expect(parseCondition('col("a").is_in([-1.5e3, "b", TRUE])')).toEqual({
      op: 'in',
      column: 'a',
      values: [-1500, 'b', true],
    })
  })

  it.each([
    ['', 'col("...") is missing before the end.'],
    [
      'col("a")',
      'a comparison, .notNull(), .isNull(), .isIn([...]) or .isNotIn([...]) is missing before the end.',
    ],
    ['col("a") > 3 col("b") > 4', '"and" or "or" is missing before "col" at character 14.'],
    ['col("a") > 3 and', 'col("...") is missing before the end.'],
    ['(col("a") > 3', '")" is missing before the end.'],
    [
      'col("a").drop()',
      'notNull(), isNull(), isIn([...]) or isNotIn([...]) is missing before "drop" at character 10.',
    ],
    ['col("a") > 3; DROP TABLE t', '"; DROP TABLE t" at character 13 is not understood.'],
    ['col(a) > 3', 'a text in quotes is missing before "a" at character 5.'],
    [
      'col("a") > b',
      'a number, a text in quotes, true, false or date("...") is missing before "b" at character 12.',
    ],
    [`${'('.repeat(60)}col("a") > 1${')'.repeat(60)}`, 'There are more than 50 parentheses in one another.'],
  ])('say what is wrong with %s', (source, message) => {
    expect(() => parseCondition(source)).toThrow(message)
  })
})
