export { Suites } from './data/suites.js'
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
