import { applicableColumns } from '../../domain/transformations/applicable.js'
import type { Column } from '../../domain/transformations/columns.js'
import type { Problem } from '../../domain/errors.js'
import { freeName } from '../../domain/transformations/check.js'
import type { FittedTransformation } from '../../domain/transformations/fitted.js'
import { checkColumns } from '../../domain/transformations/plan.js'
import { transformationInvalid, transformationMismatch } from '../../domain/transformations/problems.js'
import type { Step } from '../../domain/transformations/steps.js'
import { type DuckDb, type DuckDbOptions, name, text, withDuckDb } from './duckdb.js'
import { enclose } from './query.js'
import { Chain, describe } from './transformations/chain.js'
import { applyFailure, expressionProblems, whereProblems } from './transformations/errors.js'
import { fitSteps } from './transformations/fit.js'

export interface FitRequest {
  /** A Parquet file. */
  readonly file: string
  /** A predicate of SQL: the rows that it is fitted to, and nothing else. Default: all. */
  readonly where?: string
  /** Well written: `stepProblems` has found none. */
  readonly steps: readonly Step[]
}

export interface CrossFitRequest extends FitRequest {
  /** 2 to 100. */
  readonly folds: number
  /** 0 to 2^32 - 1. */
  readonly seed: number
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
 * Writes a table transformed without leaks: each row by a state that was fitted to the rows of the other folds, so
 * that its own target has no part in its encoding; rows outside `where` by the state of all rows, which is returned.
 * The fold of a row is `bucketOf(position from 0, folds, seed)`. Categories of one_hot and ordinal are those of all
 * rows, so that columns and codes mean the same in each fold; they say nothing of a target.
 * @throws MlforgeError as `fitTransformation` and `applyTransformation`
 */
export async function crossFit(
  request: CrossFitRequest,
  options: DuckDbOptions = {},
): Promise<AppliedTable & { readonly fitted: FittedTransformation }> {
  const { file, where = 'true', steps, folds, seed, outFile } = request
  assertFolds(folds, seed)
  return withDuckDb({ ...options, threads: 1 }, async db => {
    const columns = await open(db, [file, outFile])
    await assertSteps(db, steps, columns, request.where)
    const names = columns.map(column => column.name)
    const along = { row: freeName('the row', names), fold: freeName('the fold', names) }
    const chains: Chain[] = []
    try {
      // A table, as each fold reads it twice.
      await db.run(`CREATE TEMP TABLE ${NUMBERED} AS SELECT *, ${foldSql(where, along.row, folds, seed)} AS ${name(along.fold)}
        FROM (SELECT *, row_number() OVER () - 1 AS ${name(along.row)} FROM ${SOURCE})`)
      const work = { from: NUMBERED, columns, steps, prefix: 'all', where: `${name(along.fold)} >= 0` }
      const fitted = await fitSteps(db, work)
      const present = await db.query(
        `SELECT DISTINCT ${name(along.fold)} AS fold FROM ${NUMBERED} ORDER BY 1`,
      )
      for (const { fold } of present) chains.push(await foldChain(db, fitted, along, fold as number))
      const parts = chains.map(
        ({ table }) => `SELECT ${name(along.row)}, ${list(fitted.output)} FROM ${table}`,
      )
      const select = `SELECT ${list(fitted.output)} FROM (${parts.join(' UNION ALL ')}) ORDER BY ${name(along.row)}`
      return { ...(await write(db, select, outFile)), fitted }
    } catch (error) {
      throw await applyFailure(db, chains, error)
    }
  })
}

const NUMBERED = name('the numbered source')

/** The rows of a fold, transformed by what the other folds say; -1 is no fold. */
async function foldChain(
  db: DuckDb,
  all: FittedTransformation,
  along: { readonly row: string; readonly fold: string },
  fold: number,
): Promise<Chain> {
  const part = name(`rows of ${fold}`)
  const own = `${name(along.fold)} = ${fold}`
  await db.run(`CREATE VIEW ${part} AS SELECT * EXCLUDE (${name(along.fold)}) FROM ${NUMBERED} WHERE ${own}`)
  const chain = new Chain(db, { prefix: `apply ${fold}`, from: part, columns: all.input, along: [along.row] })
  if (fold === -1) {
    await follow(chain, all)
    return chain
  }
  const fitted = await fitSteps(db, {
    prefix: `fold ${fold}`,
    from: NUMBERED,
    columns: all.input,
    where: `${name(along.fold)} >= 0 AND NOT (${own})`,
    steps: all.steps.map(lenient),
    categories: all.state,
  })
  await follow(chain, fitted)
  return chain
}

/** -1 for the rows that are not fitted to. */
function foldSql(where: string, row: string, folds: number, seed: number): string {
  const drawn = `(md5_number_lower('${seed}:' || ${name(row)}) % ${folds})::INTEGER`
  return `CASE WHEN (${where}\n) THEN ${drawn} ELSE -1 END`
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

function assertFolds(folds: number, seed: number): void {
  const problems: Problem[] = []
  if (!Number.isSafeInteger(folds) || folds < 2 || folds > 100) {
    problems.push({ at: 'folds', message: 'Must be a whole number of 2 to 100.' })
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
