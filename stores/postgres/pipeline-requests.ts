import type { PipelineRunRequest } from '../../contracts/temporal/pipelines.js'
import type { Problem } from '../../domain/errors.js'
import type { PipelineDefinition } from '../../domain/pipelines/definition.js'
import { parameterValues } from '../../domain/pipelines/parameters.js'
import { latestSelectors, type Pin } from '../../domain/pipelines/pins.js'
import type { DatasetStore } from './dataset-store.js'
import type { PipelineStore } from './pipeline-store.js'

/** A pipeline to be run. */
export interface WantedRun {
  readonly pipeline: string
  readonly parameters: Readonly<Record<string, unknown>>
  /** Its newest one where it is left out. */
  readonly version?: number | undefined
}

/**
 * What a run of a pipeline is asked for, the same whoever asks: the version, its parameters complete, and the
 * latest versions of datasets as they are now.
 * @returns `request` null where something is wrong with the parameters
 * @throws MlforgeError not_found for an unknown pipeline or version
 */
export async function pipelineRunRequest(
  { pipelines, datasets }: { readonly pipelines: PipelineStore; readonly datasets: DatasetStore },
  project: string,
  { pipeline, parameters: given, version: wanted }: WantedRun,
): Promise<{
  readonly definition: PipelineDefinition
  readonly request: PipelineRunRequest | null
  readonly problems: readonly Problem[]
}> {
  const { pipelineId, version, sha256, definition } = await pipelines.version(project, pipeline, wanted)
  const { values: parameters, problems } = parameterValues(definition, given)
  if (parameters === null) return { definition, request: null, problems }
  const pins: Pin[] = []
  for (const { step, dataset } of latestSelectors(definition, parameters)) {
    const latest = await datasets.latest(project, dataset)
    if (latest) pins.push({ step, dataset, version: latest.version, root: latest.root })
  }
  const request = { pipelineId, version, sha256, parameters, ...(pins.length > 0 ? { pins } : {}) }
  return { definition, request, problems: [] }
}
