import { describe, expect, it } from '@jest/globals'
import type { ModelSignature } from '../../../domain/models/signature.js'
import { ProblemList } from '../../../domain/serving/problem-list.js'
import { readRows } from '../../../domain/serving/read-rows.js'
import { fillValues, fingerprint, readFeatures } from '../../../domain/serving/row-features.js'

const NOW = Date.parse('2026-08-01T12:00:00Z')
const SIGNATURE: ModelSignature = {
  features: [
    { name: 'temp', type: 'number' },
    { name: 'hr', type: 'integer' },
    { name: 'workingday', type: 'boolean' },
  ],
  target: 'cnt',
  output: { name: 'prediction' },
}

function read(body: unknown) {
  const problems = new ProblemList()
  let made = 0
  const rows = readRows(body, NOW, () => `made-${++made}`, problems)
  return { rows, problems }
}

describe('rows', () => {
  it('get what they leave out: an id, the id as key, the arrival as event time', () => {
    const { rows, problems } = read({ rows: [{ features: {} }, { id: 'a', features: { temp: 1 } }] })
    expect(problems.total).toBe(0)
    expect(rows).toEqual([
      { id: 'made-1', key: 'made-1', eventTime: NOW, features: {} },
      { id: 'a', key: 'a', eventTime: NOW, features: { temp: 1 } },
    ])
  })

  it.each<[string, number]>([
    ['2012-01-31T13:00:00Z', Date.UTC(2012, 0, 31, 13)],
    ['2012-01-31T13:00:00.250Z', Date.UTC(2012, 0, 31, 13, 0, 0, 250)],
    ['2012-01-31T13:00+02:00', Date.UTC(2012, 0, 31, 11)],
    ['2026-08-02T12:00:00Z', NOW + 86_400_000],
  ])('may happen at %s', (eventTime, expected) => {
    const { rows, problems } = read({ rows: [{ eventTime, features: {} }] })
    expect(problems.named).toEqual([])
    expect(rows[0]!.eventTime).toBe(expected)
  })

  it.each<[string, unknown, string, RegExp]>([
    ['no body', undefined, 'body', /must be an object/],
    ['a list', [], 'body', /must be an object/],
    ['no rows', {}, 'rows', /1 to 1000 rows\.$/],
    ['rows that are no list', { rows: {} }, 'rows', /must be a list/],
    ['an empty list', { rows: [] }, 'rows', /not 0/],
    ['too many rows', { rows: Array(1_001).fill({ features: {} }) }, 'rows', /not 1001/],
    ['an unknown member', { rows: [{ features: {} }], row: 1 }, 'row', /Did you mean "rows"/],
    ['a row that is no object', { rows: [7] }, 'rows[0]', /must be an object/],
    ['a row that is null', { rows: [null] }, 'rows[0]', /must be an object/],
    [
      'an unknown member of a row',
      { rows: [{ features: {}, feature: {} }] },
      'rows[0].feature',
      /"features"/,
    ],
    ['an empty id', { rows: [{ id: '', features: {} }] }, 'rows[0].id', /visible/],
    ['a number as id', { rows: [{ id: 7, features: {} }] }, 'rows[0].id', /visible/],
    ['an id with a space', { rows: [{ id: 'a b', features: {} }] }, 'rows[0].id', /without spaces/],
    ['an id with half a character', { rows: [{ id: '\ud800', features: {} }] }, 'rows[0].id', /visible/],
    ['a long id', { rows: [{ id: 'x'.repeat(201), features: {} }] }, 'rows[0].id', /1 to 200/],
    ['a key that is no text', { rows: [{ key: 1, features: {} }] }, 'rows[0].key', /text/],
    ['a key with a line break', { rows: [{ key: 'a\nb', features: {} }] }, 'rows[0].key', /text/],
    ['an empty key', { rows: [{ key: '', features: {} }] }, 'rows[0].key', /text/],
    [
      'a time without offset',
      { rows: [{ eventTime: '2012-01-31T13:00:00', features: {} }] },
      'rows[0].eventTime',
      /offset/,
    ],
    ['a date', { rows: [{ eventTime: '2012-01-31', features: {} }] }, 'rows[0].eventTime', /offset/],
    [
      'a day that is not there',
      { rows: [{ eventTime: '2012-02-30T00:00:00Z', features: {} }] },
      'rows[0].eventTime',
      /ISO 8601/,
    ],
    ['milliseconds', { rows: [{ eventTime: 1, features: {} }] }, 'rows[0].eventTime', /ISO 8601/],
    [
      'a time to come',
      { rows: [{ eventTime: '2026-08-02T12:00:01Z', features: {} }] },
      'rows[0].eventTime',
      /24 hours/,
    ],
  ])('are refused with %s', (_, body, at, message) => {
    const { problems } = read(body)
    expect(problems.total).toBe(1)
    expect(problems.named[0]!.at).toBe(at)
    expect(problems.named[0]!.message).toMatch(message)
  })

  it.each(['a', 'bike-17379', 'größe/7', '日本-1', 'x'.repeat(200)])('may be called %s', id => {
    expect(read({ rows: [{ id, features: {} }] }).problems.named).toEqual([])
  })

  it('count all that is wrong and name the first twenty', () => {
    const { problems } = read({ rows: Array(30).fill({ id: '', features: {} }) })
    expect(problems.total).toBe(30)
    expect(problems.named.map(({ at }) => at)).toEqual(Array.from({ length: 20 }, (_, i) => `rows[${i}].id`))
    expect(problems.remainder).toBe(' The first 20 of 30 are listed.')
  })
})

describe('features', () => {
  const check = (given: unknown) => {
    const problems = new ProblemList()
    return { features: readFeatures(SIGNATURE, given, 3, problems), problems: problems.named }
  }

  it('come out in the order of the signature, whatever order they came in', () => {
    const { features } = check({ workingday: true, hr: 7, temp: 0.5 })
    expect(JSON.stringify(features)).toBe('{"temp":0.5,"hr":7,"workingday":true}')
    const values = new Float32Array(6)
    fillValues(SIGNATURE, features!, values, 3)
    expect([...values]).toEqual([0, 0, 0, 0.5, 7, 1])
  })

  const right = { temp: 0.5, hr: 7, workingday: false }
  const NEEDS_NUMBER = 'is missing; the model needs a number.'

  it.each<[string, unknown, [at: string, message: string][]]>([
    ['none', undefined, [['', 'must be an object of values by name, not missing.']]],
    ['a list', [1, 2], [['', 'must be an object of values by name, not a list.']]],
    ['one missing', { hr: 7, workingday: true }, [['.temp', NEEDS_NUMBER]]],
    [
      'a name of every object',
      { ...right, temp: undefined, constructor: 1 },
      [
        ['.temp', 'must be a number, not missing.'],
        ['.constructor', 'is no feature of this model.'],
      ],
    ],
    ['one unknown', { ...right, tmp: 1 }, [['.tmp', 'is no feature of this model. Did you mean "temp"?']]],
    [
      'one misspelt',
      { hr: 7, workingday: true, tem: 1 },
      [
        ['.temp', NEEDS_NUMBER],
        ['.tem', 'is no feature of this model. Did you mean "temp"?'],
      ],
    ],
    ['text', { ...right, temp: '0.5' }, [['.temp', 'must be a number, not "0.5".']]],
    [
      'long text',
      { ...right, temp: 'x'.repeat(99) },
      [['.temp', 'must be a number, not a string of 101 characters.']],
    ],
    ['null', { ...right, temp: null }, [['.temp', 'must be a number, not null.']]],
    ['infinity', { ...right, temp: Infinity }, [['.temp', 'is not a finite number.']]],
    ['not a number', { ...right, temp: NaN }, [['.temp', 'is not a finite number.']]],
    [
      'more than a float32',
      { ...right, temp: 1e39 },
      [['.temp', '1e+39 is beyond what the model can take (float32).']],
    ],
    ['a fraction for a whole number', { ...right, hr: 7.5 }, [['.hr', '7.5 is not a whole number.']]],
    ['a boolean for a number', { ...right, temp: true }, [['.temp', 'must be a number, not true.']]],
    [
      'a number for a boolean',
      { ...right, workingday: 1 },
      [['.workingday', 'must be true or false, not 1.']],
    ],
    ['an object', { ...right, hr: {} }, [['.hr', 'must be a whole number, not an object.']]],
  ])('are refused with %s', (_, given, expected) => {
    const { features, problems } = check(given)
    expect(features).toBeUndefined()
    expect(problems).toEqual(expected.map(([at, message]) => ({ at: `rows[3].features${at}`, message })))
  })

  it('accept the largest float32 and a name that all objects have', () => {
    expect(check({ ...right, temp: -3.4028234663852886e38 }).problems).toEqual([])
    const signature = { ...SIGNATURE, features: [{ name: 'constructor', type: 'number' as const }] }
    const problems = new ProblemList()
    expect(readFeatures(signature, {}, 0, problems)).toBeUndefined()
    expect(problems.named).toEqual([{ at: 'rows[0].features.constructor', message: NEEDS_NUMBER }])
    expect(readFeatures(signature, { constructor: 2 }, 0, problems)).toEqual({ constructor: 2 })
  })

  it('have one fingerprint in any order, and another with any other value or name', () => {
    const print = fingerprint({ temp: 0.5, hr: 7 })
    expect(fingerprint({ hr: 7, temp: 0.5 })).toBe(print)
    expect(fingerprint({ hr: 7, temp: 0.5 }, ['hr', 'temp'])).toBe(print)
    for (const other of [
      { temp: 0.5, hr: 8 },
      { temp: 0.5 },
      { temp: 0.5, hr: 7, a: 1 },
      { temp: 7, hr: 0.5 },
    ]) {
      expect(fingerprint(other)).not.toBe(print)
    }
  })
})
