import type { PipelineRunRequest } from '../../contracts/temporal/pipelines.js'
import type { VersionSelector } from '../../domain/data/selector.js'
import type { Problem } from '../../domain/errors.js'
import type { PipelineDefinition } from '../../domain/pipelines/definition.js'
import { parameterValues } from '../../domain/pipelines/parameters.js'
import { movingSelectors, type Pin } from '../../domain/pipelines/pins.js'
import type { DatasetStore } from './dataset-store.js'
import type { DatasetVersion } from './entities/dataset.js'
import type { PipelineVersion } from './entities/pipeline.js'
import type { PipelineStore } from './pipeline-store.js'

/** A pipeline to be run. */
export interface WantedRun {
  readonly pipeline: string
  readonly parameters: Readonly<Record<string, unknown>>
  /** Its newest one where it is left out. */
  readonly version?: number | undefined
}

export interface WantedRequest {
  readonly definition: PipelineDefinition
  /** Null where something is wrong with the parameters. */
  readonly request: PipelineRunRequest | null
  readonly problems: readonly Problem[]
}

/**
 * What a run of a pipeline is asked for, the same whoever asks: the version, its parameters complete, and the
 * versions of datasets that are not named by number as they are now.
 * @throws MlforgeError not_found for an unknown pipeline or version
 */
export async function pipelineRunRequest(
  { pipelines, datasets }: { readonly pipelines: PipelineStore; readonly datasets: DatasetStore },
  project: string,
  { pipeline, parameters: given, version: wanted }: WantedRun,
): Promise<WantedRequest> {
  const pinned = await pipelines.version(project, pipeline, wanted)
  return requestOf(pinned, given, (dataset, selector) => datasets.find(project, dataset, selector))
}

/**
 * The same of a version that is at hand.
 * @param find a version of a dataset, null for one that is not there
 */
export async function requestOf(
  { pipelineId, version, sha256, definition }: PipelineVersion,
  given: Readonly<Record<string, unknown>>,
  find: (
    dataset: string,
    selector: VersionSelector,
  ) => Promise<Pick<DatasetVersion, 'version' | 'root'> | null>,
): Promise<WantedRequest> {
  const { values: parameters, problems } = parameterValues(definition, given)
  if (parameters === null) return { definition, request: null, problems }
  const pins: Pin[] = []
  for (const { step, dataset, selector } of movingSelectors(definition, parameters)) {
    const found = await find(dataset, selector)
    if (found) pins.push({ step, dataset, version: found.version, root: found.root })
  }
  const request = { pipelineId, version, sha256, parameters, ...(pins.length > 0 ? { pins } : {}) }
  return { definition, request, problems: [] }
}
