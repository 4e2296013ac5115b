import type { Json } from '../canonical-json.js'
import { MlforgeError, type Problem } from '../errors.js'
import type { PipelineDefinition } from '../pipelines/definition.js'
import { parameterValues } from '../pipelines/parameters.js'
import { describeReference, partsOf, resolveValue, valueAt } from '../pipelines/references.js'
import { didYouMean } from '../suggest.js'
import { PAYLOADS, type SourceKind } from './sensor.js'

export type TickParameters = Readonly<Record<string, Json>>

/**
 * What is wrong with the parameters that a sensor gives to its pipeline: names, values, and references to
 * what its ticks do not have. Values that refer to the tick are looked at when there is one.
 */
export function parameterProblems(
  definition: Pick<PipelineDefinition, 'name' | 'parameters'>,
  given: TickParameters,
  kind: SourceKind,
): Problem[] {
  const entries = Object.entries(given)
  const open = new Set(entries.filter(([, value]) => textsIn(value).some(refers)).map(([name]) => name))
  const fixed = Object.fromEntries(entries.filter(([name]) => !open.has(name)))
  const unknown = [...open]
    .filter(name => !Object.hasOwn(definition.parameters, name))
    .map(name => ({
      at: `parameters.${name}`,
      message: `Pipeline "${definition.name}" has no parameter "${name}".${didYouMean(name, Object.keys(definition.parameters))}`,
    }))
  const wrong = parameterValues(definition, fixed).problems.filter(
    ({ at }) => !open.has(at.slice('parameters.'.length)),
  )
  const references = entries.flatMap(([name, value]) =>
    textsIn(value).flatMap(text =>
      textProblems(text, kind).map(message => ({ at: `parameters.${name}`, message })),
    ),
  )
  return [...unknown, ...wrong, ...references]
}

/**
 * The parameters of the run of a tick.
 * @throws MlforgeError step_input_invalid where they refer to what its payload does not have
 */
export function parametersOfTick(given: TickParameters, payload: Json): TickParameters {
  return resolveValue(given, reference => {
    if (reference.kind === 'tick') return valueAt(payload, reference.path, 'The payload of the tick')
    throw new MlforgeError('step_input_invalid', onlyTicks(describeReference(reference)))
  }) as TickParameters
}

function textsIn(value: Json): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(member => (member === undefined ? [] : textsIn(member as Json)))
}

function refers(text: string): boolean {
  return partsOf(text).some(part => !('text' in part))
}

function textProblems(text: string, kind: SourceKind): string[] {
  return partsOf(text).flatMap(part => {
    if ('text' in part) return []
    if ('malformed' in part) return [part.malformed]
    const { reference } = part
    const what = describeReference(reference)
    if (reference.kind !== 'tick') return [onlyTicks(what)]
    const [first] = reference.path
    const known = PAYLOADS[kind]
    if (first === undefined || known === null || known.includes(first)) return []
    return [`A tick of this source has no "${first}".${didYouMean(first, known)} It has ${known.join(', ')}.`]
  })
}

const onlyTicks = (what: string): string =>
  `"${what}" means nothing here: the parameters of a sensor refer to its tick, as in \${{ tick.path }}.`
