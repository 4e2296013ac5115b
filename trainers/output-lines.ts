import type { Readable } from 'node:stream'

const MAX_CHARACTERS = 8 * 1024
/** A return at the very end may be the first half of a line end. */
const BREAK = /\r\n|\n|\r(?!$)/

/**
 * Calls `onLine` for each line of a stream, without its end; a progress bar's carriage return ends one too.
 * Of a line longer than 8,192 characters the rest is left out, and never held in memory.
 */
export function outputLines(stream: Readable, onLine: (line: string) => void): void {
  let open = ''
  let isCut = false
  const tell = (line: string): void => {
    if (!isCut) onLine(cut(line))
    isCut = false
  }
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const lines = (open + chunk).split(BREAK)
    open = lines.pop()!
    lines.forEach(tell)
    if (open.length <= MAX_CHARACTERS) return
    tell(open)
    isCut = true
    open = ''
  })
  stream.on('end', () => {
    if (open !== '') tell(open.replace(/\r$/, ''))
  })
  // A process that is killed breaks its pipes; its exit says why.
  stream.on('error', () => undefined)
}

function cut(line: string): string {
  return line.length <= MAX_CHARACTERS ? line : `${line.slice(0, MAX_CHARACTERS)} [cut]`
}
