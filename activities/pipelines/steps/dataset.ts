import { selectorOf } from '../../../domain/pipelines/pins.js'
import { reads } from '../../../stores/lineage-scope.js'
import type { TableVersion } from '../../../stores/postgres/dataset-store.js'
import type { Ports } from '../../ports.js'
import type { StepRunner } from '../step-context.js'
import type { IdentityOf } from '../step-memo.js'

/**
 * A version is the same as long as its content is. Which one a name means is not said twice the same way.
 * @throws MlforgeError version_retired: the outcome of an equal step names a table that is gone
 */
export function datasetIdentity({ datasets }: Pick<Ports, 'datasets'>): IdentityOf {
  return async (inputs, project) => {
    const { name, selector } = selectorOf(String(inputs['dataset']))
    return selector.kind === 'number' ? (await datasets.table(project, name, selector)).root : null
  }
}

/** Fixes a version of a dataset: what a name means it means once, when the run was taken on or the step is done. */
export function datasetStep({ datasets }: Pick<Ports, 'datasets'>): StepRunner {
  return async ({ project, inputs }) => {
    const { name, selector } = selectorOf(String(inputs['dataset']))
    const found = await datasets.table(project, name, selector)
    return { outputs: tableOutputs(name, found), note: `${name}@${found.version}, ${found.rows} rows` }
  }
}

/** What a step gives of a version, which it has read. */
export function tableOutputs(name: string, { version, root, parquet, rows: count }: TableVersion) {
  reads({ kind: 'dataset', name, version })
  const rows = Number(count)
  const { uri, sha256, bytes } = parquet
  return { name, version, root, rows, table: { kind: 'table', uri, sha256, bytes, rows } }
}
