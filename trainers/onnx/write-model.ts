import protobuf from 'protobufjs'
import type { ModelSignature } from '../../domain/models/signature.js'
import { ONNX_ML_PROTO } from './onnx-ml-proto.js'

/** Trees as parallel arrays, one entry for each node, as the operator TreeEnsembleRegressor wants them. */
export interface TreeEnsemble {
  readonly treeIds: number[]
  readonly nodeIds: number[]
  readonly featureIds: number[]
  readonly modes: ('BRANCH_LT' | 'LEAF')[]
  readonly thresholds: number[]
  readonly trueIds: number[]
  readonly falseIds: number[]
  /** 1 where a missing value takes the true branch. */
  readonly missingTracksTrue: number[]
  readonly leafTreeIds: number[]
  readonly leafNodeIds: number[]
  readonly leafWeights: number[]
}

// Newer than these would shut out older runtimes and gives nothing here.
const IR_VERSION = 9
const OPSET = 17
const ML_OPSET = 3

const root = protobuf.parse(ONNX_ML_PROTO, { keepCase: true }).root
const ModelProto = root.lookupType('onnx.ModelProto')
const AttributeProto = root.lookupType('onnx.AttributeProto')

const FLOAT = 1
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value)
const MODES = { BRANCH_LT: bytes('BRANCH_LT'), LEAF: bytes('LEAF') }

type Attribute = Uint8Array
const attribute = (fields: object): Attribute => AttributeProto.encode(AttributeProto.create(fields)).finish()
const int = (name: string, i: number): Attribute => attribute({ name, i, type: 2 })
const string = (name: string, s: string): Attribute => attribute({ name, s: bytes(s), type: 3 })
const floats = (name: string, values: number[]): Attribute => attribute({ name, floats: values, type: 6 })
const ints = (name: string, values: number[]): Attribute => attribute({ name, ints: values, type: 7 })
const strings = (name: string, values: Uint8Array[]): Attribute =>
  attribute({ name, strings: values, type: 8 })

function tensor(name: string, columns: number): object {
  const dim = [{ dim_param: 'rows' }, { dim_value: columns }]
  return { name, type: { tensor_type: { elem_type: FLOAT, shape: { dim } } } }
}

function ensembleNode(ensemble: TreeEnsemble, output: string): object {
  return {
    op_type: 'TreeEnsembleRegressor',
    domain: 'ai.onnx.ml',
    name: 'trees',
    input: ['features'],
    output: [output],
    attribute: [
      string('aggregate_function', 'SUM'),
      int('n_targets', 1),
      string('post_transform', 'NONE'),
      ints('nodes_treeids', ensemble.treeIds),
      ints('nodes_nodeids', ensemble.nodeIds),
      ints('nodes_featureids', ensemble.featureIds),
      strings(
        'nodes_modes',
        ensemble.modes.map(mode => MODES[mode]),
      ),
      floats('nodes_values', ensemble.thresholds),
      ints('nodes_truenodeids', ensemble.trueIds),
      ints('nodes_falsenodeids', ensemble.falseIds),
      ints('nodes_missing_value_tracks_true', ensemble.missingTracksTrue),
      ints('target_treeids', ensemble.leafTreeIds),
      ints('target_nodeids', ensemble.leafNodeIds),
      ints(
        'target_ids',
        ensemble.leafTreeIds.map(() => 0),
      ),
      floats('target_weights', ensemble.leafWeights),
    ],
  }
}

/**
 * An ONNX file: one input `features` float32 [rows, features], one output named by the signature,
 * float32 [rows, 1], cut to the signature's bounds. Equal input gives equal bytes.
 */
export function writeOnnxModel(ensemble: TreeEnsemble, signature: ModelSignature): Uint8Array {
  const { name, clip } = signature.output
  const scalar = (of: string, value: number): object => ({
    name: of,
    dims: [],
    data_type: FLOAT,
    float_data: [value],
  })
  const bounds = Object.entries(clip ?? {}).map(([of, value]) => scalar(of, value))
  const clipped = bounds.length > 0
  const clipNode = {
    op_type: 'Clip',
    name: 'clip',
    input: ['sum', clip?.min === undefined ? '' : 'min', clip?.max === undefined ? '' : 'max'],
    output: [name],
  }
  const model = {
    ir_version: IR_VERSION,
    producer_name: 'mlforge',
    opset_import: [
      { domain: '', version: OPSET },
      { domain: 'ai.onnx.ml', version: ML_OPSET },
    ],
    metadata_props: [
      { key: 'features', value: JSON.stringify(signature.features) },
      { key: 'target', value: signature.target },
    ],
    graph: {
      name: 'model',
      node: [ensembleNode(ensemble, clipped ? 'sum' : name), ...(clipped ? [clipNode] : [])],
      initializer: bounds,
      input: [tensor('features', signature.features.length)],
      output: [tensor(name, 1)],
    },
  }
  return ModelProto.encode(ModelProto.fromObject(model)).finish()
}
