export { pipeline, PipelineBuilder } from './pipelines.js'
export type { Parameter, References, StepOptions } from './pipelines.js'
export {
  approve,
  branch,
  compare,
  dataset,
  deploy,
  http,
  map,
  notify,
  promote,
  query,
  script,
  sensor,
  subpipeline,
  train,
  validate,
  wait,
} from './steps.js'
export type { ItemOptions, ItemReferences, StepWork } from './steps.js'
export type { PipelineSource } from '../contracts/rest/pipelines.js'
