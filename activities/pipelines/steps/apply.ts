import type { Json } from '../../../domain/canonical-json.js'
import type { TableValue } from '../../../domain/pipelines/values.js'
import type { Ports } from '../../ports.js'
import { applyVersion } from '../../transformations.js'
import type { StepRunner } from '../step-context.js'

/** Changes a table by what a transformation has learned. */
export function applyStep(ports: Pick<Ports, 'transformations' | 'objects'>): StepRunner {
  return async ({ project, inputs, directory, signal, log }) => {
    const [name, version] = [String(inputs['transformation']), Number(inputs['version'])]
    const { uri } = inputs['table'] as unknown as TableValue
    const made = await applyVersion(ports, { project, uri, name, version }, directory, signal)
    const { columns, rows, ...content } = made
    log(`${rows} rows of ${columns.length} columns by ${name} version ${version}`)
    const table: TableValue = { kind: 'table', ...content, rows }
    return { outputs: { table: table as unknown as Json, rows, columns: [...columns] } }
  }
}
