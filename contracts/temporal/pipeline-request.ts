import type { Problem } from '../../domain/errors.js'
import type { PipelineDefinition } from '../../domain/pipelines/definition.js'
import { parameterValues } from '../../domain/pipelines/parameters.js'
import type { PipelineRunRequest } from './pipelines.js'

/** A version of a pipeline, as its row has it. */
interface PinnedVersion {
  readonly pipelineId: string
  readonly version: number
  readonly sha256: string
  readonly definition: PipelineDefinition
}

/**
 * What a run of a version is asked for, the same whoever asks: its parameters complete.
 * @returns `request` null where something is wrong with the parameters
 */
export function pipelineRunRequest(
  { pipelineId, version, sha256, definition }: PinnedVersion,
  given: Readonly<Record<string, unknown>>,
): { readonly request: PipelineRunRequest | null; readonly problems: readonly Problem[] } {
  const { values, problems } = parameterValues(definition, given)
  const request = values && { pipelineId, version, sha256, parameters: values }
  return { request, problems }
}
