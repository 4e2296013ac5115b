import type { ModelSignature } from '../../../domain/models/signature.js'
import type { ServedVersion } from '../../../domain/serving/served-version.js'
import type { ObjectStore } from '../../../stores/objects/object-store.js'
import { writeOnnxModel } from '../../../trainers/onnx/write-model.js'

export const SIGNATURE: ModelSignature = {
  features: [
    { name: 'temp', type: 'number' },
    { name: 'hr', type: 'integer' },
    { name: 'workingday', type: 'boolean' },
  ],
  target: 'cnt',
  output: { name: 'prediction' },
}

/** A model of one split: 100 x version where temp is below 0.5, else one more. Its answers name the version. */
export function smallModel(version: number, signature = SIGNATURE): Uint8Array {
  const ensemble = {
    treeIds: [0, 0, 0],
    nodeIds: [0, 1, 2],
    featureIds: [0, 0, 0],
    modes: ['BRANCH_LT', 'LEAF', 'LEAF'] as ('BRANCH_LT' | 'LEAF')[],
    thresholds: [0.5, 0, 0],
    trueIds: [1, 0, 0],
    falseIds: [2, 0, 0],
    missingTracksTrue: [0, 0, 0],
    leafTreeIds: [0, 0],
    leafNodeIds: [1, 2],
    leafWeights: [100 * version, 100 * version + 1],
  }
  return writeOnnxModel(ensemble, signature)
}

/** Stores the model of a version, as a registration does. */
export async function storeVersion(
  objects: ObjectStore,
  version: number,
  signature = SIGNATURE,
): Promise<ServedVersion> {
  const onnx = await objects.write('default', smallModel(version, signature))
  return { model: 'bike', version, signature, onnx }
}
