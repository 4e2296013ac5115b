import type { Path, PipelineProblem } from '../../../domain/pipelines/problems.js'
import { type KnownColumn, StepChecker } from '../../../domain/transformations/check.js'
import type { Column } from '../../../domain/transformations/columns.js'
import type { StepState } from '../../../domain/transformations/fitted.js'
import type { Step } from '../../../domain/transformations/steps.js'
import { type DuckDb, name } from '../duckdb.js'
import { rowProblem } from './errors.js'
import { codesType, stepSql } from './step-sql.js'

interface Start {
  /** Of its views and types; one chain has it. */
  readonly prefix: string
  /** Quoted name of the table. */
  readonly from: string
  /** Columns of the table that steps see. */
  readonly columns: readonly Column[]
  /** Columns of the table that only go along. */
  readonly along?: readonly string[]
  /** Columns that the table lacks, and steps read as a target only. */
  readonly absent?: ReadonlySet<string>
}

const NOTHING = 'nothing'

/** Views over a table, one for each step. */
export class Chain {
  private readonly steps: { readonly step: Step; readonly columns: readonly Column[] }[] = []
  private now: readonly Column[]
  private roundedNow: readonly string[] = []

  constructor(
    private readonly db: DuckDb,
    private readonly start: Start,
  ) {
    this.now = start.columns
  }

  /** Those after the steps so far. */
  get columns(): readonly Column[] {
    return this.now
  }

  /** Which of them are logarithms: see Known. */
  get rounded(): readonly string[] {
    return this.roundedNow
  }

  /** The table after the steps so far, quoted. */
  get table(): string {
    return this.tableBefore(this.steps.length)
  }

  /** The columns before a step. */
  before(step: number): { readonly step: Step; readonly columns: readonly Column[]; readonly table: string } {
    return { ...this.steps[step]!, table: this.tableBefore(step) }
  }

  /** The type of the codes of a column of a step, quoted. */
  codes(step: number, column: number): string {
    return codesType(this.start.prefix, step, column)
  }

  /** Adds a step; returns what is wrong with it for the columns, or what DuckDB finds wrong with its SQL. */
  async add(step: Step, state: StepState): Promise<PipelineProblem[]> {
    const { prefix, along = [], absent } = this.start
    const at = this.steps.length
    const path = ['steps', at]
    const columns = this.now
    const checker = new StepChecker({ columns, open: [], rounded: this.rounded }, path, absent)
    const after = checker.check(step, state)
    if (checker.problems.length > 0) return checker.problems
    const ofSql = await this.sqlProblems(step, path)
    if (ofSql.length > 0) return ofSql
    const { before, helpers, made, where } = stepSql(step, state, { at, columns, prefix })
    const list = after.columns.map(column => {
      const sql = made.get(column.name)
      return sql === undefined ? name(column.name) : `${sql} AS ${name(column.name)}`
    })
    // Not all columns need be among those that are read: nothing may be left of them.
    if (list.length === 0) list.push(`true AS ${name(NOTHING)}`)
    const helped = helpers.map(([column, sql]) => `${sql} AS ${name(column)}`)
    const from = helped.length === 0 ? this.table : `(SELECT *, ${helped.join(', ')} FROM ${this.table})`
    const select = `SELECT ${[...along.map(name), ...list].join(', ')} FROM ${from}${where === null ? '' : ` WHERE ${where}`}`
    for (const statement of before) await this.db.run(statement)
    await this.db.run(`CREATE VIEW ${this.tableBefore(at + 1)} AS ${select}`)
    this.steps.push({ step, columns })
    this.now = await this.typed(after.columns)
    this.roundedNow = after.rounded ?? []
    return []
  }

  /** What DuckDB finds wrong with the SQL of a step, each part by itself. */
  private async sqlProblems(step: Step, path: Path): Promise<PipelineProblem[]> {
    if (step.kind !== 'sql' && step.kind !== 'filter') return []
    const parts =
      step.kind === 'filter'
        ? [{ at: [...path, 'where'], sql: step.where }]
        : Object.entries(step.columns).map(([column, sql]) => ({ at: [...path, 'columns', column], sql }))
    const problems: PipelineProblem[] = []
    for (const { at, sql } of parts) {
      const message = await rowProblem(this.db, this.table, sql)
      if (message !== null) problems.push({ path: at, message })
    }
    return problems
  }

  /** Only of expressions the type has to be asked for: to bind a long chain takes a while. */
  private async typed(columns: readonly KnownColumn[]): Promise<Column[]> {
    const asked = columns.some(({ type }) => type === null) ? await describe(this.db, this.table) : []
    const types = new Map(asked.map(column => [column.name, column.type]))
    return columns.map(({ name: own, type }) => ({ name: own, type: type ?? types.get(own)! }))
  }

  private tableBefore(step: number): string {
    return step === 0 ? this.start.from : name(`${this.start.prefix} after ${step}`)
  }
}

/** The columns of a table. */
export async function describe(db: DuckDb, table: string): Promise<Column[]> {
  const rows = await db.query(`DESCRIBE SELECT * FROM ${table}`)
  return rows.map(row => ({ name: row['column_name'] as string, type: row['column_type'] as string }))
}
