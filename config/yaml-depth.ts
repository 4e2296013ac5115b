import { CST, Lexer } from 'yaml'

const INDICATORS = ['seq-item-ind', 'explicit-key-ind', 'map-value-ind']
const STARTS = ['flow-map-start', 'flow-seq-start']
const ENDS = ['flow-map-end', 'flow-seq-end']
const BETWEEN = ['space', 'newline', 'comment', 'comma']
/** What the lexer says of its own state: it is not in the text. */
const MARKS = ['doc-mode', 'flow-error-end']

/**
 * Where a text begins to be nested more deeply than that; null for one that is not. The parser calls itself
 * for each level: far too many of them do not only fail, they can end the process. Levels are counted by the
 * brackets that are open and by the columns at which something inner begins.
 */
export function tooDeepAt(text: string, most: number): number | null {
  const columns: number[] = []
  let [offset, lineStart, flow] = [0, 0, 0]
  let begins = true
  let isScalar = false
  for (const source of new Lexer().lex(text)) {
    const type = isScalar ? 'scalar' : (CST.tokenType(source) ?? 'scalar')
    isScalar = source === CST.SCALAR
    if (MARKS.includes(type)) flow = 0
    if (isScalar || MARKS.includes(type)) continue
    if (begins && flow === 0 && !BETWEEN.includes(type)) {
      const column = offset - lineStart
      while (columns.length > 0 && columns.at(-1)! >= column) columns.pop()
      columns.push(column)
      begins = false
    }
    if (STARTS.includes(type)) flow++
    else if (ENDS.includes(type)) flow = Math.max(0, flow - 1)
    if (columns.length + flow > most) return offset
    const lineFeed = source.lastIndexOf('\n')
    if (lineFeed !== -1) lineStart = offset + lineFeed + 1
    if (lineFeed !== -1 || INDICATORS.includes(type)) begins = true
    offset += source.length
  }
  return null
}
