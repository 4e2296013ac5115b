import { join } from 'node:path'
import type { Json } from '../../../domain/canonical-json.js'
import { inputInvalid } from '../../../domain/pipelines/invalid-input.js'
import { located } from '../../../domain/pipelines/problems.js'
import type { Operation } from '../../../domain/pipelines/transform/operations.js'
import type { TableValue } from '../../../domain/pipelines/values.js'
import { writtenProblems } from '../../../domain/pipelines/written.js'
import { transformTable } from '../../../stores/duckdb/transform.js'
import { writeFile } from '../../objects.js'
import type { Ports } from '../../ports.js'
import type { StepRunner } from '../step-context.js'

/** Changes a table by a list of operations. */
export function transformStep({ objects }: Pick<Ports, 'objects'>): StepRunner {
  return async ({ project, inputs, directory, signal, log }) => {
    const problems = writtenProblems('transform', inputs)
    if (problems.length > 0) throw inputInvalid(problems.map(located))
    const operations = inputs['operations'] as unknown as readonly Operation[]
    const { uri, rows: before } = inputs['table'] as unknown as TableValue
    const outFile = join(directory, 'result.parquet')
    const file = await objects.toFile(uri, directory)
    const { rows, columns } = await transformTable(
      { file, operations, outFile },
      { signal, temporaryDirectory: directory },
    )
    log(`${before} rows, after ${operations.length} operations ${rows} rows of ${columns.length} columns`)
    const table: TableValue = { kind: 'table', ...(await writeFile(objects, project, outFile)), rows }
    return { outputs: { table: table as unknown as Json, rows, columns: [...columns] } }
  }
}
