import { partsOfStatement, saidOfMemory } from '../../domain/duckdb/words.js'
import { MlforgeError, type Problem } from '../../domain/errors.js'

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
  const parts = partsOfStatement(error)
  if (parts === undefined) return undefined
  const { said: message, quoted = '' } = parts
  const [, line, shown] = /^LINE (\d+): (.*)/.exec(quoted) ?? []
  // DuckDB quotes a long line in part, and may quote a statement that is around the SQL.
  const fragment = shown?.replaceAll('...', '').trim()
  const isOurs = fragment !== undefined && fragment !== '' && sql.includes(fragment)
  const at = isOurs ? `line ${line}` : undefined
  return queryInvalid(message, [{ at: at ?? 'sql', message }], at && `${at}: ${fragment}`)
}

/** A query that spilling does not help: no later try has more memory. */
export function outOfMemory(error: unknown): MlforgeError | undefined {
  const first = saidOfMemory(error)
  if (first === undefined) return undefined
  return queryInvalid(
    `It needs more memory than a step has (${first}), and this cannot be spilled. Aggregate or filter earlier, or make steps of its parts.`,
  )
}
