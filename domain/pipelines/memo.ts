import type { Json } from '../canonical-json.js'
import type { InnerStep } from './definition.js'
import type { StepType } from './step-types.js'

/** Whether outcomes of equal inputs are taken over from earlier runs, and how old they may be at most. */
export interface CachePolicy {
  readonly enabled: boolean
  readonly maxAgeSeconds: number | null
}

/** What a step says of it, else what its type does; a type whose steps are effects never takes one over. */
export function cachePolicy({ cache }: Pick<InnerStep, 'cache'>, type: StepType): CachePolicy {
  if (type.cache === 'never' || cache === false) return { enabled: false, maxAgeSeconds: null }
  if (typeof cache === 'object') return { enabled: true, maxAgeSeconds: cache.maxAgeSeconds }
  return { enabled: cache === true || type.cache === 'default', maxAgeSeconds: null }
}

/**
 * What an outcome is kept by, to be hashed as canonical JSON: the step type, its version and its inputs.
 * Tables and files go in by their content, not by where they are.
 * @param identity of what the inputs only name, such as the files of a script
 */
export function memoContent(
  uses: string,
  { version }: StepType,
  inputs: Readonly<Record<string, Json>>,
  identity: Json = null,
): Json {
  return { uses, version, inputs: contentOf(inputs), identity }
}

function contentOf(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value
  if (isList(value)) return value.map(contentOf)
  const { kind, sha256 } = value
  if ((kind === 'table' || kind === 'file') && typeof sha256 === 'string') return { kind, sha256 }
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, member === undefined ? null : contentOf(member)]),
  )
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}
