import type { Problem } from '../../../domain/errors.js'
import { located } from '../../../domain/pipelines/problems.js'
import { notPositive } from '../../../domain/transformations/learn.js'
import { transformationInvalid, transformationMismatch } from '../../../domain/transformations/problems.js'
import type { Step } from '../../../domain/transformations/steps.js'
import { unknownCategory } from '../../../domain/transformations/unknown.js'
import type { DuckDb } from '../duckdb.js'
import { rowExpressionProblem } from '../expressions.js'
import { saidOfStatement } from '../../../domain/duckdb/words.js'
import { outOfMemory } from '../query-errors.js'
import type { Chain } from './chain.js'
import { REFUSED } from './step-sql.js'
import { keySql, numberSql } from './values.js'

/** A failure of DuckDB while steps are fitted: its words are about the steps and these rows. */
export function fitFailure(error: unknown): unknown {
  const said = saidOfStatement(error)
  if (said !== undefined) return transformationInvalid([{ at: 'steps', message: said }])
  return outOfMemory(error) ?? error
}

/** The same for a table that fitted steps are applied to; rows that a step refuses are counted. */
export async function applyFailure(db: DuckDb, chains: readonly Chain[], error: unknown): Promise<unknown> {
  const said = saidOfStatement(error)
  if (said === undefined) return outOfMemory(error) ?? error
  const [, why, at, column] = REFUSED.exec(said) ?? []
  if (why === undefined) return transformationMismatch([{ at: 'steps', message: said }])
  for (const chain of chains) {
    const problem = await refusedRows(db, chain, why === 'category', Number(at), Number(column))
    if (problem !== null) return transformationMismatch([problem])
  }
  return error
}

async function refusedRows(
  db: DuckDb,
  chain: Chain,
  isCategory: boolean,
  at: number,
  i: number,
): Promise<Problem | null> {
  const { step, columns, table } = chain.before(at)
  const wanted = (step as Extract<Step, { kind: 'log' }>).columns[i]!
  const column = columns.find(({ name }) => name === wanted)!
  const path = ['steps', at, 'columns', i]
  if (isCategory) {
    const type = chain.codes(at, i)
    const key = keySql(column)
    const [row] = await db.query(
      `SELECT count(*) AS rows, min(${key}) AS shown FROM ${table} WHERE ${key} IS NOT NULL AND TRY_CAST(${key} AS ${type}) IS NULL`,
    )
    if (row!['rows'] === 0) return null
    return located({
      path,
      message: unknownCategory(wanted, row!['rows'] as number, row!['shown'] as string),
    })
  }
  const { offset = 1 } = step as Extract<Step, { kind: 'log' }>
  const [row] = await db.query(
    `SELECT count(*) AS rows FROM ${table} WHERE ${numberSql(column)} <= ${-offset}`,
  )
  return row!['rows'] === 0
    ? null
    : located({ path, message: notPositive(wanted, row!['rows'] as number, offset) })
}

/** What is wrong with the SQL of steps, without looking at columns. */
export async function expressionProblems(db: DuckDb, steps: readonly Step[]): Promise<Problem[]> {
  const given = steps.flatMap((step, i) => {
    if (step.kind === 'filter') return [{ at: `steps[${i}].where`, sql: step.where }]
    if (step.kind !== 'sql') return []
    return Object.entries(step.columns).map(([column, sql]) => ({ at: `steps[${i}].columns.${column}`, sql }))
  })
  const problems: Problem[] = []
  for (const { at, sql } of given) {
    const message = await rowExpressionProblem(db, sql)
    if (message !== null) problems.push({ at, message })
  }
  return problems
}

/** What is wrong with the predicate that picks the rows of a table. */
export async function whereProblems(db: DuckDb, table: string, where: string): Promise<Problem[]> {
  const message = (await rowExpressionProblem(db, where)) ?? (await rowProblem(db, table, where))
  return message === null ? [] : [{ at: 'where', message }]
}

/**
 * What is wrong with an expression over the rows of a table, each by itself: bound in a WHERE clause, where DuckDB
 * allows neither aggregates nor what makes several rows of one.
 */
export async function rowProblem(db: DuckDb, table: string, sql: string): Promise<string | null> {
  try {
    const parameters = await db.bind(`SELECT 1 FROM ${table} WHERE (${sql}\n) IS NULL`)
    return parameters === 0 ? null : 'It has parameters (? or $name). Write their values into it.'
  } catch (error) {
    const said = saidOfStatement(error)
    if (said === undefined) throw error
    return said
  }
}
