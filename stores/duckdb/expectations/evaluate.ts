import { definitionOf } from '../../../domain/expectations/catalogue.js'
import type { Expectation, KnownColumn } from '../../../domain/expectations/expectation.js'
import { judge } from '../../../domain/expectations/judge.js'
import { type Measure, type Need, needsOf } from '../../../domain/expectations/needs.js'
import type { Outcome } from '../../../domain/expectations/outcome.js'
import { type OtherTable, otherColumnProblems } from '../../../domain/expectations/other-columns.js'
import { refuseProblems } from '../../../domain/expectations/suite.js'
import { MlforgeError } from '../../../domain/errors.js'
import { type DuckDb, type DuckDbOptions, text, withDuckDb } from '../duckdb.js'
import { saidOfStatement } from '../../../domain/duckdb/words.js'
import { readMeasure } from './measured.js'
import { otherTable } from './reference.js'
import { failingRows } from './samples.js'
import { knownColumn, openTable, type Types } from './table.js'
import { rangesThatHold } from './statistics.js'
import { statementsOf } from './statements.js'

export interface EvaluateOptions extends DuckDbOptions {
  /** ISO 8601: what bounds relative to now are counted from. */
  readonly now: string
  /** Rows of the version before, where there is one. */
  readonly previousRows?: number
  /** The other tables, by the names that expectations give them. */
  readonly tables?: Readonly<Record<string, OtherTable>>
  /** What more is measured for an expectation than it needs to be judged. */
  readonly extra?: (place: number) => readonly Need[]
}

export interface Evaluated {
  readonly outcomes: readonly Outcome[]
  /** Everything measured for each expectation. */
  readonly measured: readonly Readonly<Partial<Record<Measure, unknown>>>[]
  /** The statements that ran, in their order. */
  readonly statements: readonly { readonly query: Need['query'] | 'samples'; readonly sql: string }[]
}

/**
 * All expectations over a Parquet file: one scan for rows and aggregates, at most one more each for
 * uniqueness, reference and distribution, and one for the first rows of those that fail.
 */
export async function evaluateSuite(
  parquetFile: string,
  expectations: readonly Expectation[],
  options: EvaluateOptions,
): Promise<Evaluated> {
  const { now, previousRows, extra = () => [] } = options
  return withDuckDb(options, async db => {
    const types = await openTable(db, parquetFile)
    const tables = await openOthers(db, expectations, columnsOf(types), options.tables ?? {})
    const held = await rangesThatHold(db, parquetFile, expectations, types, now)
    const needs = expectations.map((expectation, i) =>
      [...needsOf(expectation), ...extra(i)].filter(
        ({ measure }) => measure !== 'unexpected' || !held.has(i),
      ),
    )
    const measured = expectations.map((_, i): Partial<Record<Measure, unknown>> =>
      held.has(i) ? { unexpected: 0 } : {},
    )
    const ran: Evaluated['statements'][number][] = []
    for (const query of ['scan', 'uniqueness', 'reference', 'distribution'] as const) {
      for (const { sql, answers } of statementsOf(query, {
        expectations,
        needs,
        measured,
        types,
        now,
        tables,
      })) {
        ran.push({ query, sql })
        const [row] = await asStatement(() => db.query(sql))
        for (const { place, measure, as } of answers)
          measured[place]![measure] = readMeasure(measure, expectations[place]!, row![as]!, types)
      }
    }
    const context = { columns: columnsOf(types), now, ...(previousRows !== undefined && { previousRows }) }
    const verdicts = expectations.map((expectation, i) => judge(expectation, measured[i]!, context))
    const failed = expectations.flatMap((expectation, place) => {
      const { success, counts } = verdicts[place]!
      return success || counts === undefined ? [] : [{ expectation, measured: measured[place]!, place }]
    })
    const samples = await asStatement(() => failingRows(db, failed, types, now, tables))
    const outcomes = expectations.map((expectation, i) => {
      const sample = samples[failed.findIndex(({ place }) => place === i)]
      return { expectation, ...verdicts[i]!, rows: [], ...sample }
    })
    return { outcomes, measured, statements: ran }
  })
}

const columnsOf = (types: Types) => [...types].map(([name, type]) => knownColumn(name, type))

/** @throws MlforgeError invalid_request, unknown_column where they are not what expectations ask for */
async function openOthers(
  db: DuckDb,
  expectations: readonly Expectation[],
  columns: readonly KnownColumn[],
  others: Readonly<Record<string, OtherTable>>,
): Promise<string[]> {
  const asked = expectations.filter(({ type }) => definitionOf(type)!.query === 'reference')
  const tables = [...new Set(asked.map(({ other_table_name: table }) => table!))]
  const missing = tables.filter(table => others[table] === undefined)
  refuseProblems(missing.map(table => ({ at: 'other_table_name', message: `There is no table "${table}".` })))
  const columnsOfOthers = new Map<string, KnownColumn[]>()
  for (const table of tables) {
    const view = otherTable(tables, table)
    await db.run(`CREATE VIEW ${view} AS SELECT * FROM read_parquet(${text(others[table]!.file)})`)
    const described = await db.query(`DESCRIBE ${view}`)
    columnsOfOthers.set(
      table,
      described.map(row => knownColumn(row['column_name'] as string, row['column_type'] as string)),
    )
  }
  refuseProblems(
    expectations.flatMap((expectation, i) => {
      const table = expectation.other_table_name
      const known = table === undefined ? undefined : columnsOfOthers.get(table)
      if (known === undefined) return []
      const of = { version: others[table!]!.version, columns: known }
      return otherColumnProblems(expectation, `expectations[${i}]`, columns, of)
    }),
  )
  return tables
}

/** What DuckDB says of an expectation that it cannot measure, such as a regular expression it does not know. */
async function asStatement<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const said = saidOfStatement(error)
    if (said === undefined) throw error
    throw new MlforgeError(
      'invalid_request',
      `The expectations cannot be measured: ${said} Correct the expectation that asks for it.`,
      { problems: [{ at: 'expectations', message: said }] },
    )
  }
}
