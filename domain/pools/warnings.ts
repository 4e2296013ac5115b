import type { PipelineDefinition, StepPool } from '../pipelines/definition.js'
import { didYouMean } from '../suggest.js'

/**
 * What keeps steps of a definition from getting their slots as the pools are now: such a step fails, or waits
 * for ever. That is no error of the definition, since its pools may be made after it.
 * @param slotsOf slots of the project's pools by their names
 */
export function poolWarnings(
  { steps }: Pick<PipelineDefinition, 'steps'>,
  slotsOf: ReadonlyMap<string, number>,
): string[] {
  return steps.flatMap(step =>
    [step.pool, step.do?.pool, step.compensate?.pool].flatMap(pool =>
      pool === undefined ? [] : warningsOf(step.name, pool, slotsOf),
    ),
  )
}

function warningsOf(step: string, { name, slots }: StepPool, slotsOf: ReadonlyMap<string, number>): string[] {
  const there = slotsOf.get(name)
  if (there === undefined) {
    const hint = didYouMean(name, [...slotsOf.keys()])
    return [
      `Step "${step}" needs pool "${name}", which is not there.${hint} Make it by PUT /v1/pools/${name}.`,
    ]
  }
  if (there >= slots) return []
  return [
    `Step "${step}" needs ${slots} slots of pool "${name}", which has ${there}: it waits until there are as many.`,
  ]
}
