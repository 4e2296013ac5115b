export { Suites } from './data/suites.js'
export { Dataset, type Validated } from './dataset/dataset.js'
export type { Pair } from './dataset/deal.js'
export type { LocalTableOptions } from './dataset/local.js'
export type { ReadOptions } from './dataset/read.js'
export type { LoadOptions } from './dataset/remote.js'
export type { RefusedSave, Saved, SavedVersion, SaveOptions } from './dataset/save.js'
export type { FoldSplit, RandomSplit, TimeCut } from './dataset/split.js'
export type { Given } from './dataset/stage.js'
export type { FitOptions, FittedVersion, TransformOptions } from './dataset/transformations.js'
export { type Batch, type Row, type Value } from './dataset/values.js'
export { expectation, suite } from './expectations.js'
export { codeState } from './git.js'
export { pipeline, PipelineBuilder } from './pipelines.js'
export type { Parameter, References, StepOptions } from './pipelines.js'
export {
  apply,
  approve,
  branch,
  compare,
  dataset,
  deploy,
  evaluate,
  fit,
  gate,
  http,
  map,
  notify,
  promote,
  query,
  register,
  script,
  sensor,
  subpipeline,
  train,
  transform,
  validate,
  wait,
} from './steps.js'
export type { ItemOptions, ItemReferences, StepWork } from './steps.js'
export { Refused, Rest, type SendOptions } from './rest.js'
export type { PipelineSource } from '../contracts/rest/pipelines.js'
