import { selectorOf } from '../../../domain/pipelines/pins.js'
import type { Ports } from '../../ports.js'
import type { StepRunner } from '../step-context.js'

/** Fixes a version of a dataset: what is the latest is so once, when the run was taken on or the step is done. */
export function datasetStep({ datasets }: Pick<Ports, 'datasets'>): StepRunner {
  return async ({ project, inputs }) => {
    const { name, version } = selectorOf(String(inputs['dataset']))
    const found = await datasets.version(project, name, version)
    const { parquet, root } = found
    const rows = Number(found.rows)
    return {
      outputs: {
        name,
        version: found.version,
        root,
        rows,
        table: { kind: 'table', uri: parquet.uri, sha256: parquet.sha256, bytes: parquet.bytes, rows },
      },
      note: `${name}@${found.version}, ${rows} rows`,
    }
  }
}
