import { StepChecker, type Known } from '../../../domain/transformations/check.js'
import { located, type PipelineProblem } from '../../../domain/pipelines/problems.js'
import type { Column } from '../../../domain/transformations/columns.js'
import type { FittedTransformation, StepState } from '../../../domain/transformations/fitted.js'
import { type Evidence, learn } from '../../../domain/transformations/learn.js'
import { type Batch, nextBatch, NO_COLUMN, readsOf } from '../../../domain/transformations/plan.js'
import { transformationInvalid } from '../../../domain/transformations/problems.js'
import type { Scalar, Step } from '../../../domain/transformations/steps.js'
import { type DuckDb, name } from '../duckdb.js'
import { Chain } from './chain.js'
import { fitFailure } from './errors.js'
import { asConstant, categoriesKey, measure, type Measurement } from './measure.js'

export interface FitWork {
  /** Of views, tables and types; one fit has it. */
  readonly prefix: string
  /** Quoted name of the table. */
  readonly from: string
  /** Columns of the table that steps see. */
  readonly columns: readonly Column[]
  /** The rows that it is fitted to; a predicate. */
  readonly where: string
  readonly steps: readonly Step[]
  /** Where categories have been fitted already: one_hot and ordinal take them from there. */
  readonly categories?: readonly StepState[]
}

/**
 * Fits steps one after the other, each to what those before make of the rows.
 * The rows are copied to a table of their own first: nothing but they, in their order, can have a part in the state;
 * not even the blocks of a file, by whose borders engines add up.
 * @throws MlforgeError transformation_invalid
 */
export async function fitSteps(db: DuckDb, work: FitWork): Promise<FittedTransformation> {
  try {
    return await fitRows(db, work)
  } catch (error) {
    throw fitFailure(error)
  }
}

async function fitRows(db: DuckDb, work: FitWork): Promise<FittedTransformation> {
  const { prefix, from, columns, where, steps } = work
  const rows = name(`${prefix} rows`)
  const read = columnsRead(steps, columns)
  const list = read.length === 0 ? '1 AS none' : read.map(column => name(column.name)).join(', ')
  await db.run(`CREATE TEMP TABLE ${rows} AS SELECT ${list} FROM ${from} WHERE (${where}\n)`)
  const [count] = await db.query(`SELECT count(*) AS rows FROM ${rows}`)
  if (count!['rows'] === 0) {
    throw transformationInvalid([{ at: 'where', message: 'There are no rows to fit to.' }])
  }
  const chains = {
    all: new Chain(db, { prefix: `${prefix} all`, from, columns }),
    fit: new Chain(db, { prefix: `${prefix} fit`, from: rows, columns: read }),
  }
  const fitter = new Fitter(db, work, count!['rows'] as number, chains)
  const state = await fitter.fit()
  // Whether a predicate can be had of the rows is seen only when it is.
  if (steps.some(({ kind }) => kind === 'filter')) await db.query(`SELECT count(*) FROM ${chains.fit.table}`)
  await db.run(`DROP TABLE ${rows} CASCADE`)
  return { format: 1, steps, input: columns, state, output: fitter.output, rows: count!['rows'] as number }
}

/** SQL may read any column. */
function columnsRead(steps: readonly Step[], columns: readonly Column[]): readonly Column[] {
  if (steps.some(({ kind }) => kind === 'sql' || kind === 'filter')) return columns
  const read = new Set(steps.flatMap(readsOf))
  return columns.filter(column => read.has(column.name))
}

class Fitter {
  private readonly state: StepState[] = []

  constructor(
    private readonly db: DuckDb,
    private readonly work: FitWork,
    private readonly rows: number,
    /** Over all columns, which names must not collide with, and over those that are read. */
    private readonly chains: { readonly all: Chain; readonly fit: Chain },
  ) {}

  get output(): readonly Column[] {
    return this.chains.all.columns
  }

  async fit(): Promise<StepState[]> {
    const { steps } = this.work
    for (let at = 0; at < steps.length;) {
      const batch = nextBatch(steps, at, this.output)
      // Columns that the last batch has left are all known now: one that is still not there is wrong.
      const until = Math.max(batch.until, at + 1)
      this.assertFitting(at, until)
      const measurement = await this.measure(batch)
      for (let i = at; i < until; i++) await this.add(i, measurement)
      at = until
    }
    return this.state
  }

  private measure({ fitted }: Batch): Promise<Measurement> {
    const { table, columns } = this.chains.fit
    return measure(
      this.db,
      table,
      columns,
      fitted.map(i => this.work.steps[i]!),
    )
  }

  private async add(i: number, measurement: Measurement): Promise<void> {
    const step = this.work.steps[i]!
    const given = this.work.categories?.[i]
    const isGiven = given?.kind === 'one_hot' || given?.kind === 'ordinal'
    const state = isGiven ? given : learn(step, ['steps', i], await this.evidence(step, i, measurement))
    this.state.push(state)
    for (const chain of [this.chains.all, this.chains.fit]) {
      const problems = await chain.add(step, state)
      if (problems.length > 0) throw transformationInvalid(problems.map(located))
    }
    if (this.output.length === 0)
      throw transformationInvalid([located({ path: ['steps', i], message: NO_COLUMN })])
  }

  private async evidence(step: Step, i: number, { numbers, categories }: Measurement): Promise<Evidence> {
    const constants = new Map<string, Scalar>()
    if (step.kind === 'impute' && step.strategy === 'constant') {
      for (const column of this.output.filter(each => step.columns.includes(each.name))) {
        const value = await asConstant(this.db, step.value!, column)
        const path = ['steps', i, 'value']
        const message = `${JSON.stringify(step.value)} is no value of "${column.name}", which is ${column.type}.`
        if (value === null) throw transformationInvalid([located({ path, message })])
        constants.set(column.name, value)
      }
    }
    return {
      rows: this.rows,
      numbers: column => numbers.get(column)!,
      categories: (column, target) => categories.get(categoriesKey(column, target))!,
      constant: column => constants.get(column)!,
      columns: this.output.map(column => column.name),
    }
  }

  private assertFitting(from: number, until: number): void {
    let known: Known = { columns: this.output, open: [], rounded: this.chains.all.rounded }
    const problems: PipelineProblem[] = []
    for (let i = from; i < until; i++) {
      const checker = new StepChecker(known, ['steps', i])
      known = checker.check(this.work.steps[i]!)
      problems.push(...checker.problems)
    }
    if (problems.length > 0) throw transformationInvalid(problems.map(located))
  }
}
