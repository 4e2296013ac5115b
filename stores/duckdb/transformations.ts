import { applicableColumns } from '../../domain/transformations/applicable.js'
import type { Column } from '../../domain/transformations/columns.js'
import type { Problem } from '../../domain/errors.js'
import { freeName } from '../../domain/transformations/check.js'
import type { FittedTransformation, Folds } from '../../domain/transformations/fitted.js'
import { FOLD_LIMIT } from '../../domain/transformations/limits.js'
import { checkColumns } from '../../domain/transformations/plan.js'
import { transformationInvalid, transformationMismatch } from '../../domain/transformations/problems.js'
import type { Step } from '../../domain/transformations/steps.js'
import { type DuckDb, type DuckDbOptions, name, text, withDuckDb } from './duckdb.js'
import { enclose } from './query.js'
import { Chain, describe } from './transformations/chain.js'
import { applyFailure, expressionProblems, fitFailure, whereProblems } from './transformations/errors.js'
import { fitSteps } from './transformations/fit.js'

export interface FitRequest {
  /** A Parquet file. */
  readonly file: string
  /** A predicate of SQL: the rows that it is fitted to, and nothing else. Default: all. */
  readonly where?: string
  /** Well written: `stepProblems` has found none. */
  readonly steps: readonly Step[]
}

/** What has been learned of a table, and of what each fold leaves of it. */
export interface CrossFitted {
  readonly fitted: FittedTransformation
  /** By fold. */
  readonly ofFolds: readonly FittedTransformation[]
}

export interface FoldsToApply extends CrossFitted, Omit<FitRequest, 'steps'> {
  readonly folds: Folds
  readonly outFile: string
}

export interface AppliedTable {
  readonly rows: number
  readonly columns: readonly Column[]
}

const SOURCE = name('the source')

/**
 * Fits steps to a table. On one thread, so that sums are in the order of the rows: equal rows and steps give an
 * equal state, to the byte of its canonical JSON, whatever other rows the file holds.
 * @throws MlforgeError transformation_invalid with everything that is wrong with the steps for these columns, or for
 *   the first step that these rows cannot fit
 */
export async function fitTransformation(
  { file, where, steps }: FitRequest,
  options: DuckDbOptions = {},
): Promise<FittedTransformation> {
  return withDuckDb({ ...options, threads: 1 }, async db => {
    const columns = await open(db, [file])
    await assertSteps(db, steps, columns, where)
    return fitSteps(db, { prefix: 'all', from: SOURCE, columns, where: where ?? 'true', steps })
  })
}

/**
 * Writes what a fitted transformation makes of a table as Parquet, rows in their order; equal tables give equal
 * bytes. Columns that it was not fitted to are left out; a target that is nothing else may be missing.
 * @throws MlforgeError transformation_mismatch with all columns that are missing or of another type, or with the rows
 *   that a step refuses
 */
export async function applyTransformation(
  { file, fitted, outFile }: { file: string; fitted: FittedTransformation; outFile: string },
  options: DuckDbOptions = {},
): Promise<AppliedTable> {
  return withDuckDb({ ...options, threads: 1 }, async db => {
    const found = await open(db, [file, outFile])
    const { columns, absent } = applicableColumns(fitted, found)
    const ofSql = await expressionProblems(db, fitted.steps)
    if (ofSql.length > 0) throw transformationInvalid(ofSql)
    const chain = new Chain(db, { prefix: 'apply', from: SOURCE, columns, absent })
    try {
      await follow(chain, fitted)
      return await write(db, `SELECT ${list(chain.columns)} FROM ${chain.table}`, outFile)
    } catch (error) {
      throw await applyFailure(db, [chain], error)
    }
  })
}

/**
 * Fits steps to a table, and for each fold of it to the rows of the other folds: what `applyFolds` takes.
 * Categories of one_hot and ordinal are those of all rows, so that columns and codes mean the same in each fold; they
 * say nothing of a target.
 * @throws MlforgeError as `fitTransformation`
 */
export async function crossFit(
  { file, where, steps, folds }: FitRequest & { readonly folds: Folds },
  options: DuckDbOptions = {},
): Promise<CrossFitted> {
  assertFolds(folds)
  return withDuckDb({ ...options, threads: 1 }, async db => {
    const columns = await open(db, [file])
    await assertSteps(db, steps, columns, where)
    const { fold } = await deal(db, columns, folds, where).catch((error: unknown) => {
      throw fitFailure(error)
    })
    const work = { from: NUMBERED, columns }
    const fitted = await fitSteps(db, { ...work, steps, prefix: 'all', where: `${fold} >= 0` })
    const ofFolds: FittedTransformation[] = []
    for (let own = 0; own < folds.count; own++) {
      ofFolds.push(
        await fitSteps(db, {
          ...work,
          prefix: `fold ${own}`,
          where: `${fold} >= 0 AND ${fold} <> ${own}`,
          steps: steps.map(lenient),
          categories: fitted.state,
        }),
      )
    }
    return { fitted, ofFolds }
  })
}

/**
 * Writes the table of a cross-fit transformed without leaks: each row by what the other folds have taught, so that
 * its own target has no part in its encoding; rows outside `where` by what all have. As `applyTransformation` else.
 * @throws MlforgeError as `applyTransformation`
 */
export async function applyFolds(
  { file, where, folds, fitted, ofFolds, outFile }: FoldsToApply,
  options: DuckDbOptions = {},
): Promise<AppliedTable> {
  return withDuckDb({ ...options, threads: 1 }, async db => {
    const { columns } = applicableColumns(fitted, await open(db, [file, outFile]))
    const chains: Chain[] = []
    try {
      const { row, fold } = await deal(db, columns, folds, where)
      const present = await db.query(`SELECT DISTINCT ${fold} AS fold FROM ${NUMBERED} ORDER BY 1`)
      for (const own of present.map(each => each['fold'] as number)) {
        const part = name(`rows of ${own}`)
        await db.run(
          `CREATE VIEW ${part} AS SELECT * EXCLUDE (${fold}) FROM ${NUMBERED} WHERE ${fold} = ${own}`,
        )
        const chain = new Chain(db, { prefix: `apply ${own}`, from: part, columns, along: [row] })
        await follow(chain, ofFolds[own] ?? fitted)
        chains.push(chain)
      }
      const output = list(fitted.output)
      const parts = chains.map(({ table }) => `SELECT ${name(row)}, ${output} FROM ${table}`)
      const select = `SELECT ${output} FROM (${parts.join(' UNION ALL ')}) ORDER BY ${name(row)}`
      return await write(db, select, outFile)
    } catch (error) {
      throw await applyFailure(db, chains, error)
    }
  })
}

const NUMBERED = name('the numbered source')

/** Numbers the rows, and deals them; the fold of those that are not fitted to is -1. A table, as each fold reads it twice. */
async function deal(
  db: DuckDb,
  columns: readonly Column[],
  { count, seed }: Folds,
  where = 'true',
): Promise<{ readonly row: string; readonly fold: string }> {
  const names = columns.map(column => column.name)
  const [row, fold] = [freeName('the row', names), name(freeName('the fold', names))]
  const drawn = `(md5_number_lower('${seed}:' || ${name(row)}) % ${count})::INTEGER`
  await db.run(`CREATE TEMP TABLE ${NUMBERED} AS
    SELECT *, CASE WHEN (${where}\n) THEN ${drawn} ELSE -1 END AS ${fold}
    FROM (SELECT *, row_number() OVER () - 1 AS ${name(row)} FROM ${SOURCE})`)
  return { row, fold }
}

/** The bins of a fold may be none that the categories of all rows know: they are left empty there. */
function lenient(step: Step): Step {
  if ((step.kind !== 'one_hot' && step.kind !== 'ordinal') || (step.unknown ?? 'error') !== 'error')
    return step
  return step.kind === 'one_hot' ? { ...step, unknown: 'ignore' } : { ...step, unknown: 'null' }
}

async function open(db: DuckDb, files: readonly [string, ...string[]]): Promise<Column[]> {
  await db.run(`CREATE VIEW ${SOURCE} AS SELECT * FROM read_parquet(${text(files[0])})`)
  await enclose(db, files)
  return describe(db, SOURCE)
}

async function assertSteps(
  db: DuckDb,
  steps: readonly Step[],
  columns: readonly Column[],
  where: string | undefined,
): Promise<void> {
  const problems = [
    ...checkColumns(steps, columns).problems,
    ...(await expressionProblems(db, steps)),
    ...(where === undefined ? [] : await whereProblems(db, SOURCE, where)),
  ]
  if (problems.length > 0) throw transformationInvalid(problems)
}

function assertFolds({ count, seed }: Folds): void {
  const problems: Problem[] = []
  if (!Number.isSafeInteger(count) || count < 2 || count > FOLD_LIMIT) {
    problems.push({ at: 'folds', message: `Must be a whole number of 2 to ${FOLD_LIMIT}.` })
  }
  if (!Number.isSafeInteger(seed) || seed < 0 || seed >= 2 ** 32) {
    problems.push({ at: 'seed', message: 'Must be a whole number of 0 to 4294967295.' })
  }
  if (problems.length > 0) throw transformationInvalid(problems)
}

async function follow(chain: Chain, { steps, state }: FittedTransformation): Promise<void> {
  for (const [i, step] of steps.entries()) {
    const problems = await chain.add(step, state[i]!)
    if (problems.length > 0) {
      throw transformationMismatch(problems.map(({ message }) => ({ at: `steps[${i}]`, message })))
    }
  }
}

function list(columns: readonly Column[]): string {
  return columns.map(column => name(column.name)).join(', ')
}

async function write(db: DuckDb, select: string, outFile: string): Promise<AppliedTable> {
  await db.run(`COPY (${select}) TO ${text(outFile)} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)`)
  const result = `read_parquet(${text(outFile)})`
  const [count] = await db.query(`SELECT count(*) AS rows FROM ${result}`)
  return { rows: count!['rows'] as number, columns: await describe(db, result) }
}
