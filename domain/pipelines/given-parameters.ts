import type { Json } from '../canonical-json.js'
import { MlforgeError, type Problem } from '../errors.js'
import { didYouMean } from '../suggest.js'
import type { PipelineDefinition } from './definition.js'
import { parameterValues } from './parameters.js'
import {
  describeReference,
  type Given,
  partsOf,
  type Reference,
  resolveValue,
  valueAt,
} from './references.js'

/** Parameters by name; texts may refer to what has led to the run, as in `${{ tick.path }}`. */
export type GivenParameters = Readonly<Record<string, Json>>

/** What leads to runs of a pipeline, and what is known of it. */
export interface GivenFacts {
  readonly root: Given
  /** Names at the first level; null where anything may be there. */
  readonly known: readonly string[] | null
}

const WHO: Readonly<Record<Given, string>> = {
  tick: 'the parameters of a sensor refer to its tick, as in ${{ tick.path }}.',
  retraining: 'the parameters of a retraining refer to it, as in ${{ retraining.dataset }}.',
}

/**
 * What is wrong with parameters that are given to a pipeline whenever something happens: names, values, and
 * references to what will not be known. Values that refer to it are looked at when it has happened.
 */
export function givenProblems(
  definition: Pick<PipelineDefinition, 'name' | 'parameters'>,
  given: GivenParameters,
  facts: GivenFacts,
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
      textProblems(text, facts).map(message => ({ at: `parameters.${name}`, message })),
    ),
  )
  return [...unknown, ...wrong, ...references]
}

/**
 * The parameters of one run.
 * @param known what has led to it
 * @throws MlforgeError step_input_invalid where they refer to what that does not have
 */
export function resolveGiven(given: GivenParameters, root: Given, known: Json): GivenParameters {
  return resolveValue(given, reference => {
    if (isOf(reference, root)) return valueAt(known, reference.path, `The ${root}`)
    throw new MlforgeError('step_input_invalid', onlyOf(root, describeReference(reference)))
  }) as GivenParameters
}

function isOf(reference: Reference, root: Given): reference is Extract<Reference, { kind: 'given' }> {
  return reference.kind === 'given' && reference.root === root
}

function textsIn(value: Json): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(member => (member === undefined ? [] : textsIn(member as Json)))
}

function refers(text: string): boolean {
  return partsOf(text).some(part => !('text' in part))
}

function textProblems(text: string, { root, known }: GivenFacts): string[] {
  return partsOf(text).flatMap(part => {
    if ('text' in part) return []
    if ('malformed' in part) return [part.malformed]
    const { reference } = part
    if (!isOf(reference, root)) return [onlyOf(root, describeReference(reference))]
    const [first] = reference.path
    if (first === undefined || known === null || known.includes(first)) return []
    return [`Such a ${root} has no "${first}".${didYouMean(first, known)} It has ${known.join(', ')}.`]
  })
}

function onlyOf(root: Given, what: string): string {
  return `"${what}" means nothing here: ${WHO[root]}`
}
