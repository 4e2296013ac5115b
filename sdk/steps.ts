import type { Given, InnerTypeName, StepInputs, StepTypeName } from '../contracts/rest/pipeline-steps.js'
import type { InnerStepSource } from '../contracts/rest/pipelines.js'
import { referenceTo, written } from './references.js'

/** What a step does: a type of step and its inputs. */
export interface StepWork<K extends StepTypeName> {
  readonly uses: K
  readonly with: StepInputs[K]
  /** Of a map: what is done with each item. */
  readonly do?: InnerStepSource
}

/** What a map is at. */
export interface ItemReferences {
  readonly item: Given<'json'>
  /** Place of the item in the list, from 0. */
  readonly index: Given<'integer'>
}

/** How each item is worked on, where the type of step does not say it well. */
export type ItemOptions = Pick<InnerStepSource, 'timeout' | 'retry' | 'cache' | 'pool'>

function work<K extends Exclude<StepTypeName, 'map'>>(uses: K): (inputs: StepInputs[K]) => StepWork<K> {
  return inputs => ({ uses, with: inputs })
}

/** Fixes which version of a dataset the run works on. */
export const dataset = work('dataset')
/** Makes a table by SQL (DuckDB) over tables. */
export const query = work('query')
/** Changes a table by a list of operations. */
export const transform = work('transform')
/** Fits steps to a table: a version of a transformation, to change other tables by. */
export const fit = work('fit')
/** Changes a table by a version of a transformation. */
export const apply = work('apply')
/** Refuses a table that does not hold what is expected of it. */
export const validate = work('validate')
/** Waits until a version of a dataset is as its suite expects, or somebody lets one pass. */
export const gate = work('gate')
/** Trains, evaluates, judges and registers a model: a training of its own. */
export const train = work('train')
/** Scores a registered version of a model on a table. */
export const evaluate = work('evaluate')
/** Refuses a figure that is not good enough beside another one. */
export const compare = work('compare')
/** Makes a version of a model of an ONNX file, once it was tried. */
export const register = work('register')
/** Lets an alias of a model name a version. */
export const promote = work('promote')
/** Rolls a version out to a deployment: a rollout of its own. */
export const deploy = work('deploy')
/** Says which way a run takes: steps with `when: { <its name>: <case> }` follow it. */
export const branch = work('branch')
/** Waits until somebody approves or rejects. */
export const approve = work('approve')
/** Waits for a time, for a condition, or until it is told to go on. */
export const wait = work('wait')
/** Waits until a source has something that it did not have when the step began. */
export const sensor = work('sensor')
/** Runs another pipeline: a run of its own. */
export const subpipeline = work('subpipeline')
/** Sends a request. At least once, with the same Idempotency-Key on each try. */
export const http = work('http')
/** Tells somebody by a webhook. At least once, with the same Idempotency-Key on each try. */
export const notify = work('notify')
/** Runs a command. At least once, with the same Idempotency-Key on each try. */
export const script = work('script')

/**
 * Does one step with each item of a list: a run of its own.
 *
 * @param each the step, or a function that says it with references to the item and its place
 */
export function map<K extends InnerTypeName>(
  inputs: StepInputs['map'],
  each: StepWork<K> | ((references: ItemReferences) => StepWork<K>),
  options: ItemOptions = {},
): StepWork<'map'> {
  const references = { item: referenceTo('json', 'item'), index: referenceTo('integer', 'index') }
  const { uses, with: given } = typeof each === 'function' ? each(references) : each
  const inner = { uses, ...options, with: written(given) as NonNullable<InnerStepSource['with']> }
  return { uses: 'map', with: inputs, do: inner }
}
