import { describe, expect, it } from '@jest/globals'
import { tableFromArrays, tableToIPC } from 'apache-arrow'
import fc from 'fast-check'
import type { StatedReading } from '../../../domain/datasets/reading.js'
import { UploadChecker, type UploadSummary } from '../../../domain/datasets/upload-check.js'
import type { MlforgeError } from '../../../domain/errors.js'

function check(content: string | Uint8Array, stated: StatedReading = {}, size = Infinity): UploadSummary {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  const checker = new UploadChecker(stated)
  for (let i = 0; i < bytes.length; i += size) checker.push(bytes.subarray(i, i + size))
  return checker.end()
}

function refusal(content: string | Uint8Array, stated: StatedReading = {}, size = Infinity): MlforgeError {
  try {
    check(content, stated, size)
  } catch (error) {
    return error as MlforgeError
  }
  throw new Error('it was taken')
}

const utf16 = (text: string): Uint8Array => Buffer.from(text, 'utf16le')
const swapped = (bytes: Uint8Array): Uint8Array => Buffer.from(bytes).swap16()
const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const lines = '{"a":1}\n\n{"b":"x","a":null}\n'
/** The least that ends as Parquet: what is within is not looked at here. */
const parquet = Buffer.concat([
  Buffer.from('PAR1'),
  Buffer.alloc(20),
  Buffer.from([20, 0, 0, 0]),
  Buffer.from('PAR1'),
])
const arrow = tableFromArrays({ a: [1, 2], b: ['x', 'y'] })
const arrowFile = tableToIPC(arrow, 'file')
const arrowStream = tableToIPC(arrow, 'stream')

const TAKEN: [string, string | Uint8Array, StatedReading, object][] = [
  ['CSV', 'a,b\n1,2\n', {}, { delimiter: ',', columns: ['a', 'b'], rows: 1 }],
  ['TSV', 'a\tb\n1\t2\n', {}, { delimiter: '\t', columns: ['a', 'b'], rows: 1 }],
  [
    'a stated delimiter',
    'a;b|c\n1;2|3\n',
    { delimiter: '|' },
    { delimiter: '|', columns: ['a;b', 'c'], rows: 1 },
  ],
  ['single quotes', "'a','b'\n'1,5',2\n", {}, { delimiter: ',', columns: ['a', 'b'], rows: 1, quote: "'" }],
  ['no quotes', 'a,"b\n1,2"\n', { quote: '' }, { delimiter: ',', columns: ['a', '"b'], rows: 1, quote: '' }],
  [
    'no header',
    '1,x\n2,y\n',
    { header: false },
    { delimiter: ',', columns: ['column1', 'column2'], rows: 2, headless: true },
  ],
  [
    'years for names',
    '2011,2012\n1,2\n',
    { header: true },
    { delimiter: ',', columns: ['2011', '2012'], rows: 1 },
  ],
  ['UTF-8 with BOM', '\ufeffa,b\n1,2\n', {}, { delimiter: ',', columns: ['a', 'b'], rows: 1 }],
  [
    'UTF-16LE with BOM',
    utf16('\ufeffa,é\n1,😀\n'),
    {},
    { delimiter: ',', columns: ['a', 'é'], rows: 1, encoding: 'utf-16le' },
  ],
  [
    'UTF-16BE with BOM',
    swapped(utf16('\ufeffa,é\n1,😀\n')),
    {},
    { delimiter: ',', columns: ['a', 'é'], rows: 1, encoding: 'utf-16be' },
  ],
  [
    'stated UTF-16LE',
    utf16('a,b\n1,2\n'),
    { encoding: 'utf-16le' },
    { delimiter: ',', columns: ['a', 'b'], rows: 1, encoding: 'utf-16le' },
  ],
  [
    'stated latin1',
    latin1('a,ñ\n1,\x80\n'),
    { encoding: 'latin1' },
    { delimiter: ',', columns: ['a', 'ñ'], rows: 1, encoding: 'latin1' },
  ],
  [
    'stated windows-1252',
    latin1('a,\x80\n1,2\n'),
    { encoding: 'windows-1252' },
    { delimiter: ',', columns: ['a', '€'], rows: 1, encoding: 'windows-1252' },
  ],
  ['JSON lines', lines, {}, { format: 'ndjson', columns: ['a', 'b'], rows: 2 }],
  [
    'JSON lines in UTF-16',
    utf16(`\ufeff${lines}`),
    { format: 'ndjson' },
    { format: 'ndjson', columns: ['a', 'b'], rows: 2, encoding: 'utf-16le' },
  ],
  ['CSV that begins like an object', '{a},b\n1,2\n', {}, { delimiter: ',', columns: ['{a}', 'b'], rows: 1 }],
  ['Parquet', parquet, { format: 'parquet' }, { format: 'parquet', columns: null, rows: null }],
  ['an Arrow file', arrowFile, {}, { format: 'arrow', columns: null, rows: null }],
  ['an Arrow stream', arrowStream, { format: 'arrow' }, { format: 'arrow', columns: null, rows: null }],
  [
    'CSV that begins like Arrow',
    'ARROW1,b\n1,2\n',
    {},
    { delimiter: ',', columns: ['ARROW1', 'b'], rows: 1 },
  ],
]

const REFUSED: [string, string | Uint8Array, StatedReading, string, RegExp][] = [
  ['an empty file', '', {}, 'csv_empty', /empty/],
  ['a first line of values', '1,2\n3,4\n', {}, 'csv_header_ambiguous', /header=true or \?header=false/],
  ['a first line of dates', '2011-01-01,2\n3,4\n', {}, 'csv_header_ambiguous', /header/],
  [
    'another encoding',
    latin1('a,b\n1,é\n'),
    {},
    'csv_encoding',
    /at byte 6, stands 0xe9.*encoding=windows-1252/s,
  ],
  [
    'another encoding in JSON',
    latin1('{"a":"x"}\n{"a":"é"}\n'),
    {},
    'ndjson_encoding',
    /row 2 \(line 2\), at byte 16, stands 0xe9/,
  ],
  [
    'what windows-1252 does not have',
    latin1('a,b\n1,\x81\n'),
    { encoding: 'windows-1252' },
    'csv_encoding',
    /at byte 6 stands 0x81/,
  ],
  [
    'half of a pair',
    utf16('\ufeffa\n\ud83d\n'),
    {},
    'csv_encoding',
    /at byte 6 stands half a surrogate pair/,
  ],
  [
    'half a character',
    utf16('\ufeffa\n1\n').subarray(0, -1),
    {},
    'csv_encoding',
    /at byte 8 stands half a character/,
  ],
  [
    'a mark and another encoding',
    '\ufeffa\n1\n',
    { encoding: 'latin1' },
    'csv_encoding',
    /byte order mark of utf-8/,
  ],
  ['CSV as Parquet', 'a,b\n1,2\n', { format: 'parquet' }, 'format_mismatch', /sent as Parquet.*PAR1/],
  [
    'a list of JSON',
    '[{"a": 1, "b": "x"},\n{"a": 2, "b": "y"}]\n',
    {},
    'csv_malformed',
    /looks like JSON.*=ndjson/,
  ],
  ['a list in one line', '[{"a": 1, "b": "x"}]', {}, 'csv_malformed', /looks like JSON.*=ndjson/],
  ['a list of numbers', '[1, 2, 3]\n', {}, 'csv_header_only', /looks like JSON.*=ndjson/],
  ['printed JSON', '\ufeff{\n  "a": 1,\n  "b": "x"\n}\n', {}, 'csv_malformed', /looks like JSON.*=ndjson/],
  ['a list as CSV', '[{"a": 1}]\n[{"a": 2}]\n', { format: 'csv' }, 'csv_malformed', /^The file is not well-/],
  ['CSV as JSON lines', 'a,b\n1,2\n', { format: 'ndjson' }, 'format_mismatch', /sent as JSON lines/],
  ['JSON lines as CSV', lines, { format: 'csv' }, 'format_mismatch', /sent as CSV, but it is JSON lines/],
  ['Parquet as CSV', parquet, { format: 'csv' }, 'format_mismatch', /sent as CSV, but it is Parquet/],
  ['Parquet that was cut off', parquet.subarray(0, 20), {}, 'parquet_malformed', /cut off/],
  ['Parquet of a few bytes', 'PAR1PAR1', {}, 'parquet_malformed', /cut off/],
  ['Parquet with a footer too long', Buffer.from('PAR1xxxxxxxxxPAR1'), {}, 'parquet_malformed', /footer/],
  ['CSV as Arrow', 'a,b\n1,2\n', { format: 'arrow' }, 'format_mismatch', /sent as Arrow.*ARROW1/],
  [
    'Arrow as Parquet',
    arrowFile,
    { format: 'parquet' },
    'format_mismatch',
    /sent as Parquet, but it is Arrow/,
  ],
  ['an Arrow file that was cut off', arrowFile.subarray(0, -7), {}, 'arrow_malformed', /footer|cut off/],
  ['an Arrow stream that was cut off', arrowStream.subarray(0, -8), {}, 'arrow_malformed', /cut off/],
  [
    'an Arrow stream and more',
    Buffer.concat([arrowStream, arrowStream]),
    {},
    'arrow_malformed',
    /behind its end/,
  ],
  ['Feather version 1', Buffer.from('FEA1rest'), {}, 'format_unsupported', /Feather version 2/],
  ['an encoding of Arrow', arrowFile, { encoding: 'latin1' }, 'invalid_request', /Arrow has no encoding/],
  ['gzip', Buffer.from([0x1f, 0x8b, 8, 0]), {}, 'format_unsupported', /gzip/],
  ['Excel', Buffer.from('PK\x03\x04rest'), {}, 'format_unsupported', /Excel/],
  ['a delimiter of JSON', lines, { delimiter: ',' }, 'invalid_request', /JSON lines has no delimiter/],
  ['an encoding of Parquet', parquet, { encoding: 'latin1' }, 'invalid_request', /Parquet has no encoding/],
  [
    'a line that is no JSON',
    '{"a":1}\n{"a":\n[1]\n',
    {},
    'ndjson_malformed',
    /line 2 is no JSON.*and 1 more/,
  ],
  ['NaN', '{"a":1}\n{"a":NaN}\n', {}, 'ndjson_malformed', /line 2 is no JSON/],
  ['a JSON list', '[{"a":1}]\n', { format: 'ndjson' }, 'ndjson_malformed', /line 1 is no object, but a list/],
  ['two objects on a line', '{"a":1}\n{"a":1} {"a":2}\n', {}, 'ndjson_malformed', /line 2/],
  [
    'half a pair in JSON',
    '{"a":1}\n{"a":"\\ud800"}\n',
    {},
    'ndjson_malformed',
    /line 2 has half a surrogate pair/,
  ],
  [
    'a null character',
    '{"a":1}\n{"b":["x\\u0000"]}\n',
    {},
    'ndjson_malformed',
    /line 2 has a null character/,
  ],
  ['one in a name', '{"a\\u0000":1}\n', {}, 'ndjson_malformed', /line 1 has a null character/],
  ['a member twice', '{"a":1}\n{"a":1,"b":{"a":2},"a":3}\n', {}, 'duplicate_columns', /line 2/],
  ['members that differ in case', '{"day":1}\n{"Day":2}\n', {}, 'duplicate_columns', /"day" and "Day"/],
  ['a member without a name', '{"":1}\n', {}, 'ndjson_malformed', /line 1 has a member without a name/],
  ['objects without members', '{}\n{}\n', {}, 'ndjson_malformed', /no member/],
  [
    'an endless line of JSON',
    `{"a":"${'x'.repeat(1 << 20)}"}\n`,
    { format: 'ndjson' },
    'ndjson_malformed',
    /line 1 is longer/,
  ],
]

describe('a file that is sent', () => {
  it.each(TAKEN)('is recognised: %s', (_, content, stated, expected) => {
    for (const size of [Infinity, 1, 3]) expect(check(content, stated, size)).toEqual(expected)
  })

  it.each(REFUSED)('is refused: %s', (_, content, stated, code, message) => {
    for (const size of [Infinity, content.length > 1000 ? 1000 : 1]) {
      const error = refusal(content, stated, size)
      expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)])
    }
  })

  it('names the byte in the details', () => {
    expect(refusal(latin1('a,b\n1,é\n')).details).toMatchObject({ byteOffset: 6, encoding: 'utf-8' })
  })

  it('is the same text in every encoding, however it is cut', () => {
    const cell = fc
      .string({ unit: 'grapheme', maxLength: 5 })
      .map(text => text.replaceAll(/[\0"\r\n,;\t|']/g, ''))
    fc.assert(
      fc.property(fc.array(cell, { minLength: 1 }), fc.integer({ min: 1, max: 7 }), (cells, size) => {
        const csv = `name,b\n${cells.map(each => `${each},2\n`).join('')}`
        const expected = check(csv)
        for (const [encoding, bytes] of [
          ['utf-16le', utf16(`\ufeff${csv}`)],
          ['utf-16be', swapped(utf16(`\ufeff${csv}`))],
        ] as const) {
          expect(check(bytes, {}, size)).toEqual({ ...expected, encoding })
        }
      }),
    )
  })

  it('takes every object that JSON.stringify writes', () => {
    const object = fc.dictionary(fc.constantFrom('a', 'b', '__proto__', '1', 'x"y:{'), fc.jsonValue(), {
      minKeys: 1,
    })
    fc.assert(
      fc.property(fc.array(object, { minLength: 1 }), objects => {
        const found = check(objects.map(each => `${JSON.stringify(each)}\n`).join(''))
        expect(found).toMatchObject({ format: 'ndjson', rows: objects.length })
        expect(new Set(found.columns)).toEqual(new Set(objects.flatMap(each => Object.keys(each))))
      }),
    )
  })
})
