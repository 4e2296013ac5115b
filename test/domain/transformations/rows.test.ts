import { describe, expect, it } from '@jest/globals'
import { canonicalJson, type Json } from '../../../domain/canonical-json.js'
import type { MlforgeError } from '../../../domain/errors.js'
import { applyRow, canApplyRows } from '../../../domain/transformations/apply-row.js'
import { instantOf, partOf } from '../../../domain/transformations/dates.js'
import { type FittedTransformation, fittedJson } from '../../../domain/transformations/fitted.js'
import { bucketOf, md5 } from '../../../domain/transformations/md5.js'
import { productName, productsOf } from '../../../domain/transformations/products.js'
import { readFitted } from '../../../domain/transformations/read-fitted.js'
import { categoryIn } from '../../../domain/transformations/row-values.js'
import { wordsOf } from '../../../domain/transformations/words.js'

const FITTED: FittedTransformation = {
  format: 1,
  steps: [
    { kind: 'scale', columns: ['x'], method: 'standard' },
    { kind: 'one_hot', columns: ['s'] },
    { kind: 'target', columns: ['t'], target: 'y' },
  ],
  input: [
    { name: 'x', type: 'DOUBLE' },
    { name: 's', type: 'VARCHAR' },
    { name: 't', type: 'BIGINT' },
    { name: 'y', type: 'DOUBLE' },
  ],
  state: [
    { kind: 'scale', centers: [1], scales: [2] },
    {
      kind: 'one_hot',
      columns: [{ names: [{ name: 's_a', category: 'a' }], infrequent: null, missing: 's_null' }],
    },
    { kind: 'target', mean: 7, columns: [{ categories: [1], encodings: [5] }] },
  ],
  output: [
    { name: 'x', type: 'DOUBLE' },
    { name: 't', type: 'DOUBLE' },
    { name: 'y', type: 'DOUBLE' },
    { name: 's_a', type: 'BIGINT' },
    { name: 's_null', type: 'BIGINT' },
  ],
  rows: 3,
}

function refused(work: () => unknown): MlforgeError {
  try {
    work()
  } catch (error) {
    return error as MlforgeError
  }
  throw new Error('nothing was refused')
}

describe('a category of a row', () => {
  it.each<[string, Json, string | null]>([
    ['BIGINT', '007', '7'],
    ['BIGINT', '-9007199254740993', '-9007199254740993'],
    ['BIGINT', 7, '7'],
    ['VARCHAR', '007', '007'],
    ['DOUBLE', 7, '7'],
    ['BIGINT', null, null],
  ])('of %s is that of a table: %j', (type, value, category) => {
    expect(categoryIn('n', type, value)).toBe(category)
  })
})

describe('a row', () => {
  it('is transformed, without its target too', () => {
    expect(applyRow(FITTED, { x: 5, s: 'a', t: 1, y: 9, more: 1 })).toEqual({
      ...{ x: 2, t: 5, y: 9, s_a: 1, s_null: 0 },
    })
    expect(applyRow(FITTED, { x: '-Infinity', s: null, t: '2' })).toEqual({
      ...{ x: '-Infinity', t: 7, y: null, s_a: 0, s_null: 1 },
    })
  })

  it.each<[Record<string, Json>, string, RegExp]>([
    [{ s: 'a', t: 1 }, 'x', /has no "x"/],
    [{ x: 'five', s: 'a', t: 1 }, 'x', /no value of a column of DOUBLE/],
    [{ x: '', s: 'a', t: 1 }, 'x', /no value/],
    [{ x: true, s: 'a', t: 1 }, 'x', /no value/],
    [{ x: 1, s: 2, t: 1 }, 's', /VARCHAR/],
    [{ x: 1, s: 'a', t: 1.5 }, 't', /BIGINT/],
    [{ x: 1, s: 'b', t: 1 }, 'steps[1].columns[0]', /"b" is no category/],
  ])('%j is refused at %s', (row, at, message) => {
    const error = refused(() => applyRow(FITTED, row))
    expect(error.code).toBe('transformation_mismatch')
    expect(error.details.problems![0]).toEqual({ at, message: expect.stringMatching(message) })
  })

  it('cannot be transformed by SQL', () => {
    const fitted: FittedTransformation = {
      ...FITTED,
      steps: [{ kind: 'filter', where: 'x > 0' }],
      state: [null],
    }
    expect(canApplyRows(FITTED).prevented).toEqual([])
    expect(canApplyRows(fitted).prevented.map(({ at }) => at)).toEqual(['steps[0]'])
    expect(refused(() => applyRow(fitted, {})).code).toBe('transformation_mismatch')
  })
})

describe('a fitted transformation from outside', () => {
  const json = (changes: object): Json => ({ ...FITTED, ...changes }) as unknown as Json

  it('is read as it was written', () => {
    const text = canonicalJson(fittedJson(FITTED))
    expect(canonicalJson(fittedJson(readFitted(JSON.parse(text) as Json)))).toBe(text)
  })

  it.each<[string, Json, RegExp]>([
    ['another format', json({ format: 2 }), /format/],
    ['a field more', json({ more: 1 }), /no field "more"/],
    ['no object', 'text', /object/],
    ['bad steps', json({ steps: [] }), /list of 1/],
    ['too few states', json({ state: [] }), /one for each step/],
    ['a state of another kind', json({ state: [...FITTED.state.slice(0, 2), null] }), /Must be an object/],
    ['no counts', json({ rows: -1 }), /count/],
    ['columns that the steps do not fit', json({ input: [{ name: 'x', type: 'VARCHAR' }] }), /VARCHAR/],
    ['another output', json({ output: FITTED.input }), /Is not what the steps make/],
    [
      'a scale of zero',
      json({ state: [{ kind: 'scale', centers: [1], scales: [0] }, ...FITTED.state.slice(1)] }),
      /not be 0/,
    ],
    [
      'too few centers',
      json({ state: [{ kind: 'scale', centers: [], scales: [1] }, ...FITTED.state.slice(1)] }),
      /one for each column/,
    ],
    [
      'a category twice',
      json({
        state: [
          ...FITTED.state.slice(0, 2),
          { kind: 'target', mean: 7, columns: [{ categories: [1, 1], encodings: [5, 5] }] },
        ],
      }),
      /twice/,
    ],
    [
      'encodings of nothing',
      json({
        state: [
          ...FITTED.state.slice(0, 2),
          { kind: 'target', mean: 7, columns: [{ categories: [1], encodings: [5, 5] }] },
        ],
      }),
      /as many encodings/,
    ],
  ])('is refused: %s', (_, value, message) => {
    const error = refused(() => readFitted(value))
    expect(error.code).toBe('transformation_invalid')
    expect(error.message).toMatch(message)
  })
})

describe('what rows are computed with', () => {
  // RFC 1321, appendix A.5.
  it.each([
    ['', 'd41d8cd98f00b204e9800998ecf8427e'],
    ['a', '0cc175b9c0f1b6a831c399e269772661'],
    ['abc', '900150983cd24fb0d6963f7d28e17f72'],
    ['message digest', 'f96b697d7cb7938d525a2f31aaf161d0'],
    ['abcdefghijklmnopqrstuvwxyz', 'c3fcd3d76192e4007dfb496cca67e13b'],
    ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', 'd174ab98d277d9f5a5611c2c9f419d9f'],
    ['1234567890'.repeat(8), '57edf4a22be3c955ac49da2e2107b67a'],
  ])('MD5 of %j', (text, digest) => {
    expect(md5(text)).toBe(digest)
  })

  it('buckets are the last 8 bytes, least significant first', () => {
    const bytes = md5('3:some text').slice(16).match(/../g)!.reverse().join('')
    expect(bucketOf('some text', 999_983, 3)).toBe(Number(BigInt(`0x${bytes}`) % 999_983n))
  })

  it('words are runs of letters, in small ones', () => {
    expect(wordsOf('Hello, WÖRLD! x_1—ΣΑΣ\u00a0ünï 日本語、ok')).toEqual([
      ...['hello', 'wörld', 'x_1', 'σασ', 'ünï', '日本語', 'ok'],
    ])
    expect(wordsOf(' ,;')).toEqual([])
  })

  it('products come in the order of PolynomialFeatures', () => {
    const columns = ['a', 'b', 'c']
    const names = (interactionOnly: boolean, degree: 2 | 3): string[] =>
      productsOf({ kind: 'interact', columns, degree, interactionOnly }).map(productName)
    expect(names(true, 3)).toEqual(['a_x_b', 'a_x_c', 'b_x_c', 'a_x_b_x_c'])
    expect(names(false, 2)).toEqual(['a_x_a', 'a_x_b', 'a_x_c', 'b_x_b', 'b_x_c', 'c_x_c'])
  })

  it.each([
    ['2012-12-31', 1, 366],
    ['2011-01-01T23:59:59.5', 52, 1],
    ['2020-12-31 10:00', 53, 366],
    ['2021-01-03T00:30:00+01:00', 53, 2],
  ])('%s is in week %i, day %i', (text, week, day) => {
    const instant = instantOf(text)
    expect([partOf(instant, 'week'), partOf(instant, 'day_of_year')]).toEqual([week, day])
  })

  it.each(['', '2011-02-29', '2011-13-01', 'soon', '2011-01-01T10:75'])('%j is no date', text => {
    expect(instantOf(text)).toBeNaN()
  })
})
