/** Runs of letters and digits, as RE2 and ECMAScript have them: blocks of punctuation and spaces end words. */
const LETTERS = [
  ['\u00aa', '\u00aa'],
  ['\u00b5', '\u00b5'],
  ['\u00ba', '\u00ba'],
  ['\u00c0', '\u1fff'],
  ['\u2070', '\u2fff'],
  ['\u3040', '\ud7ff'],
  ['\ue000', '\ufeef'],
  ['\uff10', '\u{10ffff}'],
] as const

/** A word for RE2; fixed ranges, so that no version of Unicode changes what a word is. */
export const WORD_RE2 = `[0-9A-Za-z_${LETTERS.map(([a, b]) => `${point(a)}-${point(b)}`).join('')}]+`

const WORD = new RegExp(`[0-9A-Za-z_${LETTERS.map(([a, b]) => `${unit(a)}-${unit(b)}`).join('')}]+`, 'gu')

/** Capitals of Unicode 16 and 17, which DuckDB leaves as they are. */
const TOO_NEW = /[\u1c89\ua7cb\ua7cc\ua7ce\ua7d2\ua7d4\ua7da\ua7dc\u{10d50}-\u{10d65}\u{16ea0}-\u{16eb8}]/u

/** The words of a text in small letters: each character by itself, as DuckDB's `lower` has it. */
export function wordsOf(text: string): string[] {
  return [...text].map(small).join('').match(WORD) ?? []
}

function small(character: string): string {
  if (TOO_NEW.test(character)) return character
  return String.fromCodePoint(character.toLowerCase().codePointAt(0)!)
}

function point(character: string): string {
  return `\\x{${character.codePointAt(0)!.toString(16)}}`
}

function unit(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`
}
