import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { CsvChecker, type CsvOptions, type CsvSummary } from '../../../domain/datasets/csv-check.js'
import { MlforgeError } from '../../../domain/errors.js'

const BIKE = new URL('../../../../examples/bike-sharing/bike-sharing-hour.csv', import.meta.url)
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

function check(content: Uint8Array | string, options?: CsvOptions, cuts: readonly number[] = []): CsvSummary {
  const bytes = typeof content === 'string' ? encode(content) : content
  const checker = new CsvChecker(options)
  let from = 0
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    checker.push(bytes.subarray(from, cut))
    from = cut
  }
  checker.push(bytes.subarray(from))
  return checker.end()
}

function outcome(run: () => CsvSummary): unknown {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof MlforgeError)) throw error
    return { code: error.code, message: error.message, details: error.details }
  }
}

function refusal(content: Uint8Array | string, options?: CsvOptions): MlforgeError {
  try {
    check(content, options)
  } catch (error) {
    if (error instanceof MlforgeError) return error
    throw error
  }
  throw new Error('was not refused')
}

describe('CSV structure', () => {
  it('reads the bike-sharing data as it is', () => {
    const summary = check(readFileSync(BIKE))
    expect(summary).toMatchObject({ delimiter: ',', rows: 17_379, bytes: 1_121_183, hasBom: false })
    expect(summary.columns).toHaveLength(17)
    expect(summary.columns.slice(0, 3)).toEqual(['instant', 'dteday', 'season'])
  })

  it.each([
    ['a,b\n1,2', ',', ['a', 'b'], 1],
    ['a,b\r\n1,2\r\n', ',', ['a', 'b'], 1],
    ['a;b\n1,5;2\n', ';', ['a', 'b'], 1],
    ['a\tb\n1\t2\n', '\t', ['a', 'b'], 1],
    ['a|b\n1|2\n', '|', ['a', 'b'], 1],
    ['"a,x";b\n1;2\n', ';', ['a,x', 'b'], 1],
    [' a , "b""c" \n1,2\n'.replace(' "b""c" ', '"b""c"'), ',', ['a', 'b"c'], 1],
    ['a,b\n"x\ny","say ""hi"""\n3,4\n', ',', ['a', 'b'], 2],
    ['a\n1\n\n3\n', ',', ['a'], 3],
    ['a,b\n1,2\n\n\n', ',', ['a', 'b'], 1],
    ['größe,b\nß,2\n', ',', ['größe', 'b'], 1],
    ['"multi\nline",b\n1,2\n', ',', ['multi\nline', 'b'], 1],
  ])('reads %j', (text, delimiter, columns, rows) => {
    expect(check(text)).toMatchObject({ delimiter, columns, rows, hasBom: false })
  })

  it('takes a UTF-8 byte order mark, also before a quote', () => {
    expect(check('\ufeff"a,b",c\n1,2\n')).toMatchObject({ columns: ['a,b', 'c'], hasBom: true, rows: 1 })
  })

  it('counts rows, not lines', () => {
    const error = refusal('a,b\n"x\ny",1\n1,2,3\n4\n')
    expect(error.code).toBe('csv_malformed')
    expect(error.details.problems).toEqual([
      { at: 'row 2', message: 'has 3 fields, header has 2 (line 4)' },
      { at: 'row 3', message: 'has 1 field, header has 2 (line 5)' },
    ])
  })

  it('lists up to 20 problems and counts all', () => {
    const error = refusal(`a,b\n${'1,2,3\n'.repeat(50)}`)
    expect(error.details.problems).toHaveLength(20)
    expect(error.details['problemCount']).toBe(50)
    expect(error.message).toContain('and 49 more')
  })

  it.each([
    ['', 'csv_empty', 'empty'],
    ['\ufeff', 'csv_empty', 'blank'],
    ['\n1,2\n', 'csv_empty', 'blank'],
    ['a,b\n', 'csv_header_only', 'no rows'],
    ['a,b', 'csv_header_only', 'no rows'],
    ['a,b,A,c,b\n1,2,3,4,5\n', 'csv_duplicate_columns', '"a" and "A" (columns 1, 3); "b" (columns 2, 5)'],
    ['a,,c\n1,2,3\n', 'csv_malformed', 'column 2 has no name'],
    ['a,b\n1,"2\n3,4\n', 'csv_malformed', 'row 1 the quote opened on line 2 is never closed'],
    ['a,b\n1,"2"x\n', 'csv_malformed', 'text after its closing quote'],
    ['a,b\n1,2"x\n', 'csv_malformed', 'quote in text that is not quoted'],
    ['a,b\n1,2\r3,4\n', 'csv_malformed', 'carriage return'],
    ['a,b\n1,2\n\n3,4\n', 'csv_malformed', 'line 3 is blank'],
    ['a,b\n1,2\r\n3,4\n5,6\r\n', 'csv_malformed', 'line 2 ends with CRLF, the lines before with LF'],
    ['a,b\r\n"x\ny",2\n', 'csv_malformed', 'line 3 ends with LF'],
    [
      `${Array.from({ length: 1001 }, (_, i) => `c${i}`).join(',')}\n1\n`,
      'csv_malformed',
      'header has 1001 columns',
    ],
    ['a,b\n1,2\n3,\0\n', 'csv_encoding', 'in the row 2 (line 3), at byte 10, stands a NUL byte'],
  ])('refuses %j: %s', (text, code, message) => {
    const error = refusal(text)
    expect(error.code).toBe(code)
    expect(error.message).toContain(message)
  })

  it.each([
    ['Latin-1', Buffer.from('a,b\n1,2\ncaf\xe9,3\n', 'latin1'), 'row 2', 11],
    ['UTF-16 LE with mark', Buffer.from('\ufeffa,b\n1,2\n', 'utf16le'), 'header', 0],
    ['UTF-16 LE without mark', Buffer.from('a,b\n1,2\n', 'utf16le'), 'header', 1],
    ['overlong', Buffer.from([0x61, 0x0a, 0xc0, 0xaf, 0x0a]), 'row 1', 2],
    ['surrogate', Buffer.from([0x61, 0x0a, 0xed, 0xa0, 0x80]), 'row 1', 2],
    ['past Unicode', Buffer.from([0x61, 0x0a, 0xf4, 0x90, 0x80, 0x80]), 'row 1', 2],
    ['cut character', Buffer.from([0x61, 0x0a, 0xe2, 0x82]), 'row 1', 2],
    ['cut by ASCII', Buffer.from([0x61, 0x0a, 0xe2, 0x82, 0x61, 0x0a]), 'row 1', 2],
  ])('refuses %s, saying where', (_, bytes, row, byteOffset) => {
    const error = refusal(bytes)
    expect(error.code).toBe('csv_encoding')
    expect(error.details).toMatchObject({ row, byteOffset })
    expect(error.message).toContain('encoding=windows-1252')
  })

  it('refuses a line of 2 GB after 1 MiB, without holding it', () => {
    const chunk = new Uint8Array(65_536).fill(0x78)
    for (const start of ['a,b\n1,', 'a,b\n1,"', '']) {
      const checker = new CsvChecker()
      checker.push(encode(start))
      let sent = 0
      const send = (): void => {
        for (; sent < 2 ** 31; sent += chunk.length) checker.push(chunk)
      }
      expect(send).toThrow(expect.objectContaining({ code: 'csv_row_too_long' }))
      expect(sent).toBeLessThanOrEqual(1 << 20)
    }
  })

  it('allows a row of exactly the limit', () => {
    const options = { maxRowBytes: 8 }
    expect(check('a,b\n1,34567\n', options).rows).toBe(1)
    expect(refusal('a,b\n1,345678\n', options).code).toBe('csv_row_too_long')
  })

  it('answers the same however the bytes are cut', () => {
    const parts = ['a', 'b,', '"', '""', ',', ';', '\n', '\r\n', '\r', 'é', '€', '😀', '\0', '1', '\ufeff']
    const text = fc.array(fc.constantFrom(...parts), { maxLength: 30 }).map(list => encode(list.join('')))
    const bytes = fc.oneof(text, fc.uint8Array({ maxLength: 20 }))
    fc.assert(
      fc.property(
        bytes,
        fc.array(fc.nat(60), { maxLength: 8 }),
        fc.integer({ min: 4, max: 40 }),
        fc.boolean(),
        (content, at, max, ragged) => {
          const cuts = at.map(cut => Math.min(cut, content.length))
          const options = { maxRowBytes: max, maxProblems: 3, ragged }
          const whole = outcome(() => check(content, options))
          expect(outcome(() => check(content, options, cuts))).toEqual(whole)
          const single = Array.from(content, (_, i) => i)
          expect(outcome(() => check(content, options, single))).toEqual(whole)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('finds the rows and columns of any table that was written by the rules', () => {
    const value = fc.stringMatching(/^[a-zé€"\n,; ]{0,6}$/)
    const quote = (cell: string): string => `"${cell.replaceAll('"', '""')}"`
    fc.assert(
      fc.property(
        fc
          .integer({ min: 2, max: 5 })
          .chain(n =>
            fc.array(fc.array(value, { minLength: n, maxLength: n }), { minLength: 1, maxLength: 6 }),
          ),
        fc.constantFrom('\n', '\r\n'),
        (rows, ending) => {
          const columns = rows[0]!.map((_, i) => `column ${i}, "quoted"`)
          const text = [columns, ...rows].map(row => row.map(quote).join(',') + ending).join('')
          expect(check(text, { delimiter: ',' })).toMatchObject({ columns, rows: rows.length })
        },
      ),
    )
  })
})
