import { join } from 'node:path'
import type { Json } from '../../../domain/canonical-json.js'
import { storableJson } from '../../../domain/storable.js'
import type { TableValue } from '../../../domain/pipelines/values.js'
import { queryTables } from '../../../stores/duckdb/query.js'
import { writeFile } from '../../objects.js'
import type { Ports } from '../../ports.js'
import type { StepRunner } from '../step-context.js'

/** Makes a table by SQL over tables. */
export function queryStep({ objects }: Pick<Ports, 'objects'>): StepRunner {
  return async ({ project, inputs, directory, signal, log }) => {
    const { sql, tables } = inputs as unknown as { sql: string; tables: Record<string, TableValue> }
    const files: Record<string, string> = {}
    for (const [table, { uri, rows }] of Object.entries(tables)) {
      files[table] = await objects.toFile(uri, directory)
      log(`${table}: ${rows} rows`)
    }
    const outFile = join(directory, 'result.parquet')
    const { rows, first } = await queryTables(
      { sql, tables: files, outFile },
      { signal, temporaryDirectory: directory },
    )
    const { uri, sha256, bytes } = await writeFile(objects, project, outFile)
    log(`result: ${rows} rows, ${bytes} bytes`)
    const table: TableValue = { kind: 'table', uri, sha256, bytes, rows }
    return { outputs: { table: table as unknown as Json, rows, first: storableJson(first as Json) } }
  }
}
