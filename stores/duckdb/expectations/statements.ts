import type { Expectation } from '../../../domain/expectations/expectation.js'
import type { Measure, Need } from '../../../domain/expectations/needs.js'
import type { Measured } from '../../../domain/expectations/outcome.js'
import { MOST_AGGREGATES } from '../../../domain/expectations/plan.js'
import { distributionSql } from './distribution.js'
import { otherTable, unexpectedInReference } from './reference.js'
import { scanSql } from './scan.js'
import { countOf, Scope } from './scope.js'
import type { Types } from './table.js'
import { Keys } from './uniqueness.js'

export interface Statement {
  readonly sql: string
  /** Under which name the answer to a measure stands. */
  readonly answers: readonly { readonly place: number; readonly measure: Measure; readonly as: string }[]
}

export interface Asked {
  readonly expectations: readonly Expectation[]
  readonly needs: readonly (readonly Need[])[]
  /** By the statements before. */
  readonly measured: readonly Measured[]
  readonly types: Types
  readonly now: string
  readonly tables: readonly string[]
}

/** What measures everything that is asked of one query: one statement, but of very large suites. */
export function statementsOf(query: Need['query'], asked: Asked): Statement[] {
  const own = asked.needs.flatMap((needs, place) =>
    needs.filter(need => need.query === query).map(({ measure }) => ({ place, measure })),
  )
  const statements: Statement[] = []
  for (let from = 0; from < own.length;) {
    const { statement, taken } = nextStatement(query, asked, own.slice(from))
    statements.push(statement)
    from += taken
  }
  return statements
}

interface One {
  readonly place: number
  readonly measure: Measure
}

function nextStatement(
  query: Need['query'],
  asked: Asked,
  own: readonly One[],
): { statement: Statement; taken: number } {
  const scope = new Scope(asked.types, asked.now)
  const keys = new Keys(scope)
  const selected = new Map<string, string>()
  const answers: Statement['answers'][number][] = []
  let taken = 0
  for (const { place, measure } of own) {
    if (selected.size >= MOST_AGGREGATES) break
    const sql = sqlOf(query, measure, asked.expectations[place]!, {
      scope,
      keys,
      measured: asked.measured[place]!,
      tables: asked.tables,
    })
    const as = selected.get(sql) ?? `m${selected.size}`
    selected.set(sql, as)
    answers.push({ place, measure, as })
    taken++
  }
  const measures = [...selected].map(([sql, as]) => `${sql} AS ${as}`)
  // An aggregate of its own: rows of another table alone would be answered for every row.
  const sql =
    query === 'uniqueness'
      ? keys.statement(measures)
      : `SELECT count(*) AS __mlforge_rows, ${measures.join(', ')} FROM ${scope.from()}`
  return { statement: { sql, answers }, taken }
}

interface Parts {
  readonly scope: Scope
  readonly keys: Keys
  readonly measured: Measured
  readonly tables: readonly string[]
}

function sqlOf(
  query: Need['query'],
  measure: Measure,
  expectation: Expectation,
  { scope, keys, measured, tables }: Parts,
): string {
  switch (query) {
    case 'scan':
      return scanSql(measure, expectation, scope)
    case 'uniqueness':
      return keys.measure(measure, expectation)
    case 'distribution':
      return distributionSql(measure, expectation, scope, measured)
    case 'reference':
      return measure === 'other_rows'
        ? `(SELECT count(*) FROM ${otherTable(tables, expectation.other_table_name!)})`
        : countOf(unexpectedInReference(expectation, scope, tables))
  }
}
