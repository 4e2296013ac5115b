import { join } from 'node:path'
import type { Json } from '../../../domain/canonical-json.js'
import type { TableValue } from '../../../domain/pipelines/values.js'
import { readFitted } from '../../../domain/transformations/read-fitted.js'
import { applyTransformation } from '../../../stores/duckdb/transformations.js'
import { reads } from '../../../stores/lineage-scope.js'
import { readJson, writeFile } from '../../objects.js'
import type { Ports } from '../../ports.js'
import type { StepRunner } from '../step-context.js'

/** Changes a table by what a transformation has learned. */
export function applyStep({
  transformations,
  objects,
}: Pick<Ports, 'transformations' | 'objects'>): StepRunner {
  return async ({ project, inputs, directory, signal, log }) => {
    const name = String(inputs['transformation'])
    const { version, state } = await transformations.version(project, name, Number(inputs['version']))
    reads({ kind: 'transformation', name, version })
    const fitted = readFitted(await readJson(objects, state.uri))
    const { uri } = inputs['table'] as unknown as TableValue
    const file = await objects.toFile(uri, directory)
    const outFile = join(directory, 'result.parquet')
    const { rows, columns } = await applyTransformation(
      { file, fitted, outFile },
      { signal, temporaryDirectory: directory },
    )
    log(`${rows} rows of ${columns.length} columns by ${name} version ${version}`)
    const table: TableValue = { kind: 'table', ...(await writeFile(objects, project, outFile)), rows }
    return { outputs: { table: table as unknown as Json, rows, columns: columns.map(column => column.name) } }
  }
}
