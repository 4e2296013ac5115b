import { MlforgeError, type Problem } from '../../domain/errors.js'

/** Errors of DuckDB that are about the statement or the values it meets: the same again at every try. */
const OF_THE_STATEMENT =
  /^(Parser|Syntax|Binder|Catalog|Permission|Conversion|Invalid Input|Invalid type|Mismatch Type|Out of Range|Constraint|Not implemented|Divide by Zero|Decimal|Expression|Sequence|Missing Extension|Dependency|Parameter Not (Allowed|Resolved)) Error: /i

/** @param at `line 3` of the SQL, where it is known */
export function queryInvalid(message: string, problems?: readonly Problem[], at?: string): MlforgeError {
  const where = at === undefined ? '' : ` (${at})`
  return new MlforgeError(
    'query_invalid',
    `The query cannot be run${where}: ${message.trim()} Correct the SQL of the step.`.replace(
      /([^.!?]) (Correct the SQL of the step\.)$/,
      '$1. $2',
    ),
    { problems: problems ?? [{ at: at ?? 'sql', message }] },
  )
}

/** The error of a statement that is wrong, with its line in the SQL; undefined for any other error. */
export function refusedByDuckDb(error: unknown, sql: string): MlforgeError | undefined {
  const words = wordsOf(error)
  if (!OF_THE_STATEMENT.test(words)) return undefined
  const [said, quoted] = words.split(/\n\n(?=LINE \d+: )/)
  const [, line, shown] = /^LINE (\d+): (.*)/.exec(quoted ?? '') ?? []
  // DuckDB quotes a long line in part, and may quote a statement that is around the SQL.
  const fragment = shown?.replaceAll('...', '').trim()
  const isOurs = fragment !== undefined && fragment !== '' && sql.includes(fragment)
  const at = isOurs ? `line ${line}` : undefined
  const message = said!.replaceAll(/\s*\n\s*/g, ' ')
  return queryInvalid(message, [{ at: at ?? 'sql', message }], at && `${at}: ${fragment}`)
}

/** What DuckDB says of a statement that is wrong, in one line; undefined for any other error. */
export function saidOfStatement(error: unknown): string | undefined {
  const words = wordsOf(error)
  if (!OF_THE_STATEMENT.test(words)) return undefined
  return words.split(/\n\n(?=LINE \d+: )/)[0]!.replaceAll(/\s*\n\s*/g, ' ')
}

/** A query that spilling does not help: no later try has more memory. */
export function outOfMemory(error: unknown): MlforgeError | undefined {
  const [first] = wordsOf(error).split('\n')
  if (!first!.startsWith('Out of Memory Error')) return undefined
  return queryInvalid(
    `It needs more memory than a step has (${first}), and this cannot be spilled. Aggregate or filter earlier, or make steps of its parts.`,
  )
}

/** Errors of ours are told apart by their code, and are no words of DuckDB. */
function wordsOf(error: unknown): string {
  return error instanceof MlforgeError ? '' : String((error as Partial<Error>).message)
}
