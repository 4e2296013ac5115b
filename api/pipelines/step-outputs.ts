import type { StepOutcome } from '../../contracts/temporal/pipelines.js'
import type { Json } from '../../domain/canonical-json.js'
import { MlforgeError } from '../../domain/errors.js'
import type { StepSpec } from '../../domain/pipelines/definition.js'
import { stepType } from '../../domain/pipelines/step-types.js'
import type { FileValue, TableValue } from '../../domain/pipelines/values.js'
import { didYouMean } from '../../domain/suggest.js'

/** Names of what a step has given: large outputs are not at hand, and have the names of its type. */
export function outputNames({ uses }: StepSpec, { outputs }: StepOutcome): string[] {
  return Object.keys(outputs ?? stepType(uses)?.outputs ?? {})
}

/** A member of a value. @param what names the value. @throws MlforgeError not_found with what there is */
export function memberOf(value: Json, name: string, what: string): Json {
  const members = typeof value === 'object' && value !== null ? value : {}
  if (Object.hasOwn(members, name)) return (members as Readonly<Record<string, Json>>)[name] ?? null
  const names = Object.keys(members)
  const list = names.length === 0 ? 'It has none.' : `There are: ${names.slice(0, 50).join(', ')}.`
  throw new MlforgeError('not_found', `${what} has no "${name}".${didYouMean(name, names)} ${list}`)
}

/** A table or a file, as a step gives it; null for any other value. */
export function storedValue(value: Json): TableValue | FileValue | null {
  if (typeof value !== 'object' || value === null || !('kind' in value) || !('uri' in value)) return null
  const { kind } = value as { kind?: Json }
  return kind === 'table' || kind === 'file' ? (value as unknown as TableValue | FileValue) : null
}
