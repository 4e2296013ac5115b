import type { TrainingSpec } from '../domain/training/spec.js'
import type { Schema } from '../domain/datasets/schema.js'
import { featuresIn, type ModelSignature } from '../domain/models/signature.js'
import type { DatasetStore } from '../stores/postgres/dataset-store.js'

/** What the trained model takes and gives; the types are those of the dataset's columns. */
export async function signatureOf(
  datasets: DatasetStore,
  project: string,
  spec: TrainingSpec,
): Promise<ModelSignature> {
  const version = await datasets.table(project, spec.dataset.name, spec.dataset.version)
  return {
    features: featuresIn(version.schema as Schema, spec.features),
    target: spec.target,
    output: { name: spec.target, ...(spec.clip ? { clip: spec.clip } : {}) },
  }
}
