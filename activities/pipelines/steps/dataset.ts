import { selectorOf } from '../../../domain/pipelines/pins.js'
import type { Ports } from '../../ports.js'
import type { StepRunner } from '../step-context.js'
import type { IdentityOf } from '../step-memo.js'

/** A version is the same as long as its content is. Which one is the latest is not said twice the same way. */
export function datasetIdentity({ datasets }: Pick<Ports, 'datasets'>): IdentityOf {
  return async (inputs, project) => {
    const { name, version } = selectorOf(String(inputs['dataset']))
    return version === 'latest' ? null : (await datasets.version(project, name, version)).root
  }
}

/** Fixes a version of a dataset: what is the latest is so once, when the run was taken on or the step is done. */
export function datasetStep({ datasets }: Pick<Ports, 'datasets'>): StepRunner {
  return async ({ project, inputs }) => {
    const { name, version } = selectorOf(String(inputs['dataset']))
    const found = await datasets.table(project, name, version)
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
