import { canonicalJson, type Json } from '../canonical-json.js'
import type { PipelineConcurrency } from '../pipelines/definition.js'
import { resolveValue, valueAt } from '../pipelines/references.js'

/** Priorities of work, as Temporal has them: 1 comes first. */
export const HIGHEST_PRIORITY = 1
export const LOWEST_PRIORITY = 5
export const DEFAULT_PRIORITY = 3

/** Slots that a pool can have, and that a claim can take. */
export const MAX_SLOTS = 10_000

/**
 * What the runs of a pipeline are counted by: the value of its key for these parameters, as text; null where
 * all are counted together.
 * @throws MlforgeError step_input_invalid for a parameter that has nothing at the path of the key
 */
export function concurrencyKey(
  { key }: Pick<PipelineConcurrency, 'key'>,
  parameters: Readonly<Record<string, Json>>,
): string | null {
  if (key === undefined) return null
  const value = resolveValue(key, reference =>
    reference.kind === 'parameter'
      ? valueAt(parameters[reference.name] ?? null, reference.path, `Parameter "${reference.name}"`)
      : null,
  )
  return typeof value === 'string' ? value : canonicalJson(value)
}
