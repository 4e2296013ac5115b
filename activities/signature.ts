import type { TrainingSpec } from '../domain/training/spec.js'
import type { FeatureType, ModelSignature } from '../domain/models/signature.js'
import type { DatasetStore } from '../stores/postgres/dataset-store.js'

/** What the trained model takes and gives; the types are those of the dataset's columns. */
export async function signatureOf(
  datasets: DatasetStore,
  project: string,
  spec: TrainingSpec,
): Promise<ModelSignature> {
  const version = await datasets.table(project, spec.dataset.name, spec.dataset.version)
  const types = new Map(
    (version.schema as { name: string; type: string }[]).map(column => [column.name, column.type]),
  )
  return {
    features: spec.features.map(name => ({ name, type: types.get(name) as FeatureType })),
    target: spec.target,
    output: { name: spec.target, ...(spec.clip ? { clip: spec.clip } : {}) },
  }
}
