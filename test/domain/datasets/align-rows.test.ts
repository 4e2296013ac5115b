import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { type RaggedRow, RowAligner } from '../../../domain/datasets/align-rows.js'
import { conversionOf } from '../../../domain/datasets/conversion.js'

function align(content: Uint8Array, columns: readonly string[], cuts: readonly number[]) {
  const aligner = new RowAligner(conversionOf({ columns }, [], []))
  const parts: Uint8Array[] = []
  const ragged: RaggedRow[] = []
  const take = ({ bytes, ragged: rows }: ReturnType<RowAligner['end']>) => {
    // What is handed on is taken at once: a caller may read into the same bytes again.
    parts.push(Buffer.concat(bytes))
    ragged.push(...rows)
  }
  const places = [0, ...[...cuts].sort((a, b) => a - b), content.length]
  places.slice(1).forEach((until, i) => {
    const chunk = new Uint8Array(content.subarray(places[i]!, until))
    take(aligner.push(chunk))
    chunk.fill(0x21)
  })
  take(aligner.end())
  return { text: Buffer.concat(parts).toString(), ragged }
}

describe('rows that are aligned', () => {
  it.each<[string, string, string, RaggedRow[]]>([
    ['all of one length', 'a,b\n1,2\n', 'a,b\n1,2\n', []],
    ['too few and too many', 'a,b\n1\n1,2,3\n', 'a,b\n,\n,\n', [{ row: 1, fields: 1 }, { row: 2, fields: 3 }]], // prettier-ignore
    ['CRLF, and no end of the last', 'a,b\r\n1\r\n1,2\r\n3', 'a,b\r\n,\r\n1,2\r\n,', [{ row: 1, fields: 1 }, { row: 3, fields: 1 }]], // prettier-ignore
    ['quoted delimiters and line feeds', 'a,b\n"1,\n2",3\n"x""",y,\n', 'a,b\n"1,\n2",3\n,\n', [{ row: 2, fields: 3 }]], // prettier-ignore
    ['blank lines at the end', 'a,b\n1,2\n\n\n', 'a,b\n1,2\n\n\n', []],
  ])('%s', (_, given, expected, ragged) => {
    const { text, ragged: found } = align(Buffer.from(given), ['a', 'b'], [])
    expect(text).toBe(expected)
    expect(found).toEqual(ragged)
  })

  it('are missing values where there is one column', () => {
    expect(align(Buffer.from('a\n1\n2,3\n\n'), ['a'], [])).toEqual({
      text: 'a\n1\n\n\n',
      ragged: [{ row: 2, fields: 2 }],
    })
  })

  it('are the same however the bytes are cut', () => {
    const part = fc.constantFrom('1', ',', '\n', '\r\n', '"a,b"', '"\n"', '"x""y"', 'é')
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), fc.array(fc.nat(80), { maxLength: 6 }), (parts, at) => {
        const content = Buffer.from(`a,b,c\n${parts.join('')}`)
        const cuts = at.map(cut => Math.min(cut, content.length))
        expect(align(content, ['a', 'b', 'c'], cuts)).toEqual(align(content, ['a', 'b', 'c'], []))
      }),
      { numRuns: 1000 },
    )
  })
})
