import type { PipelineRun } from '../../contracts/rest/pipeline-runs.js'
import type { Received } from '../support/receiver.js'
import type { Case } from './case.js'
import { graphOfCase, type Prediction } from './model.js'
import { withFollowers } from '../../domain/pipelines/progress.js'

/** How a run differs from what was predicted. */
export function differences(
  run: PipelineRun,
  { steps }: Case,
  { status, states, generations, attempt }: Prediction,
): string[] {
  const wrong = steps.flatMap(({ name, deed }, at) => {
    const { state, tries, generation } = run.steps[at]!
    const failures = deed.kind === 'post' ? deed.failures : 0
    return [
      ...(state === states[at] ? [] : [`${name} is ${state} and not ${states[at]}`]),
      ...(generation === generations[at]
        ? []
        : [`${name} is of generation ${generation} and not ${generations[at]}`]),
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
  { id }: PipelineRun,
  given: Case,
  { sent, rollBacks }: Prediction,
  received: readonly Received[],
): string[] {
  const places = new Map<string, number[]>()
  received.forEach(({ key }, at) => places.set(key, [...(places.get(key) ?? []), at]))
  const keyOf = (path: string) => `${id}/${path}`
  const known = new Set(sent.map(({ path }) => keyOf(path)))
  const counted = sent.flatMap(({ path, times }) => {
    const found = places.get(keyOf(path))?.length ?? 0
    const most = times + given.kills.length
    return found < times || found > most
      ? [`${path} was sent ${found} times, and not ${times} to ${most}`]
      : []
  })
  const unknown = [...places.keys()].filter(key => !known.has(key))
  return [
    ...counted,
    ...(unknown.length > 0 ? [`there are requests with the keys ${unknown.join(', ')}`] : []),
    ...rollBacks.flatMap(undone => order(given, undone, path => places.get(keyOf(path)) ?? [])),
  ]
}

/** The last first: nothing is undone before all that follows from it, nor while it may still be done. */
function order(
  given: Case,
  undone: ReadonlyMap<number, number>,
  placesOf: (path: string) => readonly number[],
) {
  const graph = graphOfCase(given)
  const undoOf = (at: number) => placesOf(`${given.steps[at]!.name}:compensate/g${undone.get(at)!}`)
  return [...undone].flatMap(([at, generation]) => {
    const { name } = given.steps[at]!
    const begun = Math.min(...undoOf(at))
    const late = withFollowers(graph, [at])
      .filter(each => each !== at && undone.has(each) && Math.max(...undoOf(each)) > begun)
      .map(each => given.steps[each]!.name)
    const own = placesOf(`${name}/g${generation}`)
    return [
      ...(late.length > 0 ? [`${name} was undone before ${late.join(', ')}, which follow from it`] : []),
      ...(own.some(place => place > begun) ? [`${name} was done while it was undone`] : []),
    ]
  })
}
