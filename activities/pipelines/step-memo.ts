import type { StepInput, StepOutcome } from '../../contracts/temporal/pipelines.js'
import { canonicalJson, type Json } from '../../domain/canonical-json.js'
import { cachePolicy, memoContent } from '../../domain/pipelines/memo.js'
import { sha256Hex } from '../../stores/ids.js'
import type { Ports } from '../ports.js'
import type { ReadStep } from './read-step.js'

/** What inputs only name and an equal outcome needs equal; null where that cannot be said. */
export type IdentityOf = (inputs: ReadStep['inputs'], project: string) => Promise<Json>

/** What the outcome of a step is kept by, null where none is taken over. */
export async function memoKey(
  { project }: StepInput,
  { spec, type, inputs }: ReadStep,
  identityOf?: IdentityOf,
): Promise<string | null> {
  if (!cachePolicy(spec, type).enabled) return null
  const identity = identityOf ? await identityOf(inputs, project) : 'inputs'
  return identity === null ? null : sha256Hex(canonicalJson(memoContent(spec.uses, type, inputs, identity)))
}

/**
 * The outcome of an equal step, as that of this one; null where none is young enough. A step that was
 * asked for again is done again.
 */
export async function knownOutcome(
  { pipelineRuns }: Pick<Ports, 'pipelineRuns'>,
  { project, generation }: StepInput,
  { spec, type }: ReadStep,
  key: string,
): Promise<StepOutcome | null> {
  if (generation > 1) return null
  const { maxAgeSeconds } = cachePolicy(spec, type)
  const known = await pipelineRuns.remembered(project, key, maxAgeSeconds)
  if (!known) return null
  const { memo, outcome } = known
  return { ...outcome, cachedFrom: { runId: memo.runId, step: memo.step } }
}
