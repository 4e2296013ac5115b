import { MlforgeError } from '../../domain/errors.js'
import { inputInvalid } from '../../domain/pipelines/invalid-input.js'
import { located, type PipelineProblem } from '../../domain/pipelines/problems.js'
import type { Operation } from '../../domain/pipelines/transform/operations.js'
import { type Part, planTransform, type Stage } from '../../domain/pipelines/transform/plan.js'
import { type DuckDb, type DuckDbOptions, name, text, withDuckDb } from './duckdb.js'
import { expressionProblem } from './expressions.js'
import { enclose } from './query.js'
import { saidOfStatement } from '../../domain/duckdb/words.js'
import { outOfMemory } from './query-errors.js'

export interface TransformedTable {
  readonly rows: number
  readonly columns: readonly string[]
}

/**
 * Writes what operations make of a table as a Parquet file. Expressions see this table and nothing else, as
 * the SQL of `queryTables`; one thread, so that equal tables give equal bytes.
 * @param operations well written: `operationProblems` has found none
 * @throws MlforgeError step_input_invalid with all columns that are not there, or with all expressions that
 *   are wrong; query_invalid where a value cannot be what it is to be
 */
export async function transformTable(
  { file, operations, outFile }: { file: string; operations: readonly Operation[]; outFile: string },
  options: DuckDbOptions = {},
): Promise<TransformedTable> {
  return withDuckDb({ ...options, threads: 1 }, async db => {
    await db.run(`CREATE VIEW ${stageName(0)} AS SELECT * FROM read_parquet(${text(file)})`)
    const { stages, problems } = planTransform(operations, await columnsOf(db, stageName(0)))
    if (problems.length > 0) throw wrong(problems)
    try {
      await enclose(db, [file, outFile])
      const ofSql: PipelineProblem[] = []
      for (const [i, stage] of stages.entries()) ofSql.push(...(await makeStage(db, i, stage)))
      if (ofSql.length > 0) throw wrong(ofSql)
      await db.run(
        `COPY (SELECT * FROM ${stageName(stages.length)}) TO ${text(outFile)} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)`,
      )
    } catch (error) {
      throw refused(error) ?? outOfMemory(error) ?? error
    }
    const result = `read_parquet(${text(outFile)})`
    const [count] = await db.query(`SELECT count(*) AS rows FROM ${result}`)
    return { rows: count!['rows'] as number, columns: await columnsOf(db, result) }
  })
}

/** No name of a table is like this. */
function stageName(i: number): string {
  return name(`stage ${i}`)
}

async function columnsOf(db: DuckDb, table: string): Promise<string[]> {
  return (await db.query(`DESCRIBE SELECT * FROM ${table}`)).map(row => row['column_name'] as string)
}

/** Makes the view of a stage; what is wrong with its expressions is left out of it, and told. */
async function makeStage(db: DuckDb, i: number, { parts, select }: Stage): Promise<PipelineProblem[]> {
  const from = stageName(i)
  const problems: PipelineProblem[] = []
  const written: string[] = []
  for (const part of parts) {
    const alone = parts.map(each => (each === part ? each.sql : each.fallback))
    const message = await partProblem(db, part, select(from, alone))
    if (message !== null) problems.push({ path: part.path, message })
    written.push(message === null ? part.sql : part.fallback)
  }
  await db.run(`CREATE VIEW ${stageName(i + 1)} AS ${select(from, written)}`)
  return problems
}

/** @param statement the stage with this part, and none of the others */
async function partProblem(db: DuckDb, { sql, isGiven }: Part, statement: string): Promise<string | null> {
  if (isGiven) {
    const shape = await expressionProblem(db, sql)
    if (shape !== null) return shape
  }
  try {
    const parameters = await db.bind(statement)
    return parameters === 0 ? null : 'It has parameters (? or $name). Write their values into it.'
  } catch (error) {
    const said = saidOfStatement(error)
    if (said === undefined) throw error
    return said
  }
}

function wrong(problems: readonly PipelineProblem[]): MlforgeError {
  return inputInvalid(
    problems.map(({ path, message }) => located({ path: ['operations', ...path], message })),
  )
}

/** A value that is met on the way and cannot become what it is to be: the same again at every try. */
function refused(error: unknown): MlforgeError | undefined {
  const said = saidOfStatement(error)
  if (said === undefined) return undefined
  const message = `The operations cannot be done with this table: ${said} Correct the operations, or the table before.`
  return new MlforgeError('query_invalid', message, { problems: [{ at: 'operations', message: said }] })
}
