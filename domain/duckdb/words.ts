import { MlforgeError } from '../errors.js'

/** Errors of DuckDB that are about the statement or the values it meets: the same again at every try. */
const OF_THE_STATEMENT =
  /^(Parser|Syntax|Binder|Catalog|Permission|Conversion|Invalid Input|Invalid type|Mismatch Type|Out of Range|Constraint|Not implemented|Divide by Zero|Decimal|Expression|Sequence|Missing Extension|Dependency|Parameter Not (Allowed|Resolved)) Error: /i

/** What DuckDB says of a statement that is wrong, in one line; undefined for any other error. */
export function saidOfStatement(error: unknown): string | undefined {
  return partsOfStatement(error)?.said
}

/** The same, and the line of the statement as DuckDB quotes it, where it does. */
export function partsOfStatement(
  error: unknown,
): { readonly said: string; readonly quoted?: string } | undefined {
  const words = wordsOf(error)
  if (!OF_THE_STATEMENT.test(words)) return undefined
  const [said, quoted] = words.split(/\n\n(?=LINE \d+: )/)
  return { said: said!.replaceAll(/\s*\n\s*/g, ' '), ...(quoted !== undefined && { quoted }) }
}

/** The line that says that there is too little memory; undefined for any other error. */
export function saidOfMemory(error: unknown): string | undefined {
  const first = firstLine(error)
  return first.startsWith('Out of Memory Error') && !FULL_DISK.test(first) ? first : undefined
}

/** Of Node and of DuckDB, which takes a disk without room for what it spills for too little memory. */
const FULL_DISK =
  /^(ENOSPC|EDQUOT): |^IO Error: .*(No space left on device|Disk quota exceeded)|^Out of Memory Error: failed to offload/

/** The line that says that a disk has no room; undefined for any other error. */
export function saidOfFullDisk(error: unknown): string | undefined {
  const first = firstLine(error)
  return FULL_DISK.test(first) ? first : undefined
}

function firstLine(error: unknown): string {
  return wordsOf(error).split('\n', 1)[0]!
}

/** Errors of ours are told apart by their code, and are no words of DuckDB. */
function wordsOf(error: unknown): string {
  return error instanceof MlforgeError ? '' : String((error as Partial<Error>).message)
}
