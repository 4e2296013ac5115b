import type { PipelineRun } from '../../contracts/rest/pipeline-runs.js'
import type { Received } from '../support/receiver.js'
import type { Case, CaseStep } from './case.js'
import { type Prediction, requestsOf } from './model.js'

/** How a run differs from what was predicted. */
export function differences(
  run: PipelineRun,
  { steps }: Case,
  { status, states, attempt }: Prediction,
): string[] {
  const wrong = steps.flatMap(({ name, deed }, at) => {
    const { state, tries } = run.steps[at]!
    const failures = deed.kind === 'post' ? deed.failures : 0
    return [
      ...(state === states[at] ? [] : [`${name} is ${state} and not ${states[at]}`]),
      // A worker that was lost may take the word of a failure with it, and costs no try itself.
      ...(state === 'succeeded' && tries > failures
        ? [`${name} has failed ${tries} times, not ${failures}`]
        : []),
    ]
  })
  return [
    ...(run.status === status ? [] : [`the run is ${run.status} and not ${status}: ${run.error?.message}`]),
    ...(run.attempt === attempt ? [] : [`the run is at attempt ${run.attempt} and not ${attempt}`]),
    ...wrong,
  ]
}

/** Outside, effects are at least once, each time with the same key, and a kill costs one more at most. */
export function effects(
  run: PipelineRun,
  { steps, kills }: Case,
  receivedOf: (step: CaseStep) => readonly Received[],
): string[] {
  return steps.flatMap((step, at) => {
    if (step.deed.kind === 'query' || step.deed.kind === 'compare') return []
    const received = receivedOf(step)
    const keys = [...new Set(received.map(({ key }) => key))]
    const { state } = run.steps[at]!
    const least = state === 'blocked' ? 0 : requestsOf(step) * (state === 'succeeded' ? 1 : run.attempt)
    const most = state === 'blocked' ? 0 : least + kills.length
    const wrong = keys.filter(key => key !== `${run.id}/${step.name}/g1`)
    return [
      ...(received.length < least || received.length > most
        ? [`${step.name} is ${state} after ${received.length} requests, not ${least} to ${most}`]
        : []),
      ...(wrong.length > 0 ? [`${step.name} was sent with the keys ${keys.join(', ')}`] : []),
    ]
  })
}
