import { describe, expect, it } from '@jest/globals'
import { conversionLike, identityInput, schemaDifferences } from '../../../domain/datasets/conversion.js'
import { checkDeclared, type Schema } from '../../../domain/datasets/schema.js'

const SCHEMA: Schema = [
  { name: 'day', type: 'date', format: '%m/%d/%Y', nullable: false },
  { name: 'cnt', type: 'integer', nullable: true },
]
const summary = (...columns: string[]) => ({ delimiter: ',' as const, columns })

describe('conversion', () => {
  it('has one identity for the same input, another for any other', () => {
    const conversion = conversionLike(SCHEMA, summary('day', 'cnt'))
    const identity = identityInput('aa', conversion, 'duckdb 1')
    expect(identity).toBe(identityInput('aa', { ...conversion }, 'duckdb 1'))
    const others = [
      identityInput('ab', conversion, 'duckdb 1'),
      identityInput('aa', conversion, 'duckdb 2'),
      identityInput('aa', { ...conversion, delimiter: ';' }, 'duckdb 1'),
      identityInput('aa', { ...conversion, nullValues: ['', 'NA'] }, 'duckdb 1'),
      identityInput('aa', { ...conversion, header: ['cnt', 'day'] }, 'duckdb 1'),
      identityInput(
        'aa',
        {
          ...conversion,
          columns: [{ ...conversion.columns[0]!, format: '%d/%m/%Y' }, conversion.columns[1]!],
        },
        'duckdb 1',
      ),
    ]
    expect(new Set([identity, ...others]).size).toBe(7)
  })

  it('keeps types and formats of the last version, whatever the order of columns', () => {
    expect(conversionLike(SCHEMA, summary('cnt', 'day'))).toEqual({
      format: 'csv',
      delimiter: ',',
      header: ['cnt', 'day'],
      columns: [
        { name: 'day', type: 'date', format: '%m/%d/%Y' },
        { name: 'cnt', type: 'integer' },
      ],
      nullValues: [''],
    })
  })

  it('lists what was added and removed', () => {
    expect(schemaDifferences(SCHEMA, ['day', 'cnt'])).toEqual([])
    expect(() => conversionLike(SCHEMA, summary('day', 'count', 'hr'))).toThrow(
      expect.objectContaining({
        code: 'schema_changed',
        message: expect.stringContaining(
          'column "cnt" is missing; column "count" is new; column "hr" is new',
        ),
      }),
    )
  })
})

describe('declared columns', () => {
  const header = ['day', 'cnt', 'hum']

  it('gets its type from its format', () => {
    expect(checkDeclared({ day: { format: '%m/%d/%Y' }, cnt: { type: 'number' } }, header)).toEqual({
      day: { type: 'date', format: '%m/%d/%Y' },
      cnt: { type: 'number' },
    })
    expect(checkDeclared({ day: { format: '%Y-%m-%d %H:%M' } }, header)['day']?.type).toBe('timestamp')
  })

  it('names the nearest column', () => {
    expect(() => checkDeclared({ dya: { type: 'date' }, humm: { type: 'number' } }, header)).toThrow(
      expect.objectContaining({
        code: 'unknown_column',
        message: expect.stringContaining('Did you mean "day"?'),
      }),
    )
  })

  it('refuses all that cannot be, at once', () => {
    const declared = {
      day: { format: '%q' },
      cnt: { type: 'int' as 'integer' },
      hum: { type: 'number' as const, format: '%Y-%m-%d' },
    }
    expect(() => checkDeclared(declared, header)).toThrow(
      expect.objectContaining({
        code: 'invalid_request',
        details: {
          problems: [expect.anything(), expect.objectContaining({ at: 'columns.cnt' }), expect.anything()],
        },
      }),
    )
  })
})
