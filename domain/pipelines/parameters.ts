import type { Json } from '../canonical-json.js'
import type { Problem } from '../errors.js'
import { didYouMean } from '../suggest.js'
import { boundProblems } from './bounds.js'
import { isChoice } from './compile-parameters.js'
import type { PipelineDefinition } from './definition.js'
import { located } from './problems.js'
import { MAX_PROBLEMS } from './reader.js'
import { valueProblems } from './value-types.js'

/**
 * The values that a run has for its parameters: those given, else the defaults.
 * @returns null with everything that is wrong with them, where something is
 */
export function parameterValues(
  { name, parameters }: Pick<PipelineDefinition, 'name' | 'parameters'>,
  given: Readonly<Record<string, unknown>>,
): { readonly values: Readonly<Record<string, Json>> | null; readonly problems: readonly Problem[] } {
  const known = Object.keys(parameters)
  const unknown = Object.keys(given)
    .filter(each => !Object.hasOwn(parameters, each))
    .slice(0, MAX_PROBLEMS)
    .map(each => ({
      at: `parameters.${each}`,
      message: `Pipeline "${name}" has no parameter "${each}".${didYouMean(each, known)}`,
    }))
  const values: Record<string, Json> = {}
  const problems = known.flatMap((each): Problem[] => {
    const { type, default: fallback, choices } = parameters[each]!
    const at = `parameters.${each}`
    const own = Object.hasOwn(given, each) ? (given[each] as Json | undefined) : undefined
    const value = own ?? fallback
    if (value === undefined) return [{ at, message: `It has no default: give one of type ${type}.` }]
    const { problems: unfit } = boundProblems(value, ['parameters', each])
    if (unfit.length > 0) return unfit.map(located)
    values[each] = value
    const wrong = valueProblems(value, type, at)
    if (wrong.length > 0 || choices === undefined || isChoice(value, choices)) return wrong
    const list = choices.map(choice => JSON.stringify(choice)).join(', ')
    return [{ at, message: `${JSON.stringify(value)} is not one of ${list}.` }]
  })
  const all = [...unknown, ...problems]
  return { values: all.length > 0 ? null : values, problems: all }
}
