import { MlforgeError } from '../../domain/errors.js'
import type { ModelSignature } from '../../domain/models/signature.js'
import { type TreeEnsemble, writeOnnxModel } from './write-model.js'

/** XGBoost's JSON model (demo/json-model in its sources holds the schema), as far as it is used here. */
interface XgboostJson {
  readonly learner: {
    readonly learner_model_param: { readonly base_score: string; readonly num_feature: string }
    readonly objective: { readonly name: string }
    readonly gradient_booster: { readonly name: string; readonly model: { readonly trees: readonly Tree[] } }
  }
}

interface Tree {
  readonly left_children: readonly number[]
  readonly right_children: readonly number[]
  readonly split_indices: readonly number[]
  readonly split_conditions: readonly number[]
  readonly split_type: readonly number[]
  readonly default_left: readonly number[]
  readonly base_weights: readonly number[]
}

/** Objectives whose prediction is the plain sum of the leaves. */
const IDENTITY_OBJECTIVES = new Set(['reg:squarederror'])

/**
 * Turns an XGBoost model into the bytes of an ONNX model.
 * @param parts the model in its JSON form, cut into consecutive rounds (at least one part)
 * @throws MlforgeError trainer_failed for what has no exact counterpart in ONNX
 */
export function xgboostToOnnx(parts: Iterable<Uint8Array>, signature: ModelSignature): Uint8Array {
  const ensemble = emptyEnsemble()
  let trees = 0
  for (const part of parts) {
    const { learner } = JSON.parse(new TextDecoder().decode(part)) as XgboostJson
    checkSupported(learner, signature)
    // base_score becomes a tree of one leaf, not base_values: XGBoost starts its float32 sum with it,
    // where the runtime would add base_values last and round differently.
    if (trees === 0) addLeaf(ensemble, trees++, 0, baseScore(learner.learner_model_param.base_score))
    for (const tree of learner.gradient_booster.model.trees) addTree(ensemble, trees++, tree)
  }
  return writeOnnxModel(ensemble, signature)
}

function checkSupported(learner: XgboostJson['learner'], signature: ModelSignature): void {
  const features = Number(learner.learner_model_param.num_feature)
  if (learner.gradient_booster.name !== 'gbtree' || !IDENTITY_OBJECTIVES.has(learner.objective.name)) {
    throw unsupported(`booster ${learner.gradient_booster.name} with objective ${learner.objective.name}`)
  }
  if (features !== signature.features.length) {
    throw unsupported(`a model of ${features} features with a signature of ${signature.features.length}`)
  }
}

/** A number in a string; since XGBoost 3 an array of one in a string. */
function baseScore(value: string): number {
  const parsed: unknown = JSON.parse(value)
  const score: unknown = Array.isArray(parsed) ? (parsed.length === 1 ? parsed[0] : undefined) : parsed
  if (typeof score !== 'number') throw unsupported(`base_score ${value}`)
  return score
}

function addTree(ensemble: TreeEnsemble, treeId: number, tree: Tree): void {
  for (let node = 0; node < tree.left_children.length; node++) {
    const left = tree.left_children[node]!
    if (left === -1) {
      // A leaf keeps its value where a split keeps its threshold.
      addLeaf(ensemble, treeId, node, tree.split_conditions[node]!)
      continue
    }
    if (tree.split_type[node] !== 0) throw unsupported('a categorical split')
    addNode(ensemble, treeId, node, 'BRANCH_LT')
    ensemble.featureIds.push(tree.split_indices[node]!)
    ensemble.thresholds.push(tree.split_conditions[node]!)
    ensemble.trueIds.push(left)
    ensemble.falseIds.push(tree.right_children[node]!)
    ensemble.missingTracksTrue.push(tree.default_left[node]!)
  }
}

function addLeaf(ensemble: TreeEnsemble, treeId: number, node: number, weight: number): void {
  addNode(ensemble, treeId, node, 'LEAF')
  ensemble.featureIds.push(0)
  ensemble.thresholds.push(0)
  ensemble.trueIds.push(0)
  ensemble.falseIds.push(0)
  ensemble.missingTracksTrue.push(0)
  ensemble.leafTreeIds.push(treeId)
  ensemble.leafNodeIds.push(node)
  ensemble.leafWeights.push(weight)
}

function addNode(ensemble: TreeEnsemble, treeId: number, node: number, mode: 'BRANCH_LT' | 'LEAF'): void {
  ensemble.treeIds.push(treeId)
  ensemble.nodeIds.push(node)
  ensemble.modes.push(mode)
}

function emptyEnsemble(): TreeEnsemble {
  return {
    treeIds: [],
    nodeIds: [],
    featureIds: [],
    modes: [],
    thresholds: [],
    trueIds: [],
    falseIds: [],
    missingTracksTrue: [],
    leafTreeIds: [],
    leafNodeIds: [],
    leafWeights: [],
  }
}

function unsupported(what: string): MlforgeError {
  return new MlforgeError(
    'trainer_failed',
    `The ONNX export does not know ${what}. Serve the engine's own file.`,
  )
}
