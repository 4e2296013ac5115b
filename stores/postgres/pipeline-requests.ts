import type { PipelineRunRequest } from '../../contracts/temporal/pipelines.js'
import type { VersionSelector } from '../../domain/data/selector.js'
import type { Problem } from '../../domain/errors.js'
import type { SuiteRef } from '../../domain/expectations/suite-version.js'
import type { PipelineDefinition } from '../../domain/pipelines/definition.js'
import { parameterValues } from '../../domain/pipelines/parameters.js'
import { movingSelectors, movingSuites, type Pin, type SuitePin } from '../../domain/pipelines/pins.js'
import type { DatasetStore } from './dataset-store.js'
import type { DatasetVersion } from './entities/dataset.js'
import type { PipelineVersion } from './entities/pipeline.js'
import type { PipelineStore } from './pipeline-store.js'
import type { SuiteStore } from './suite-store.js'

/** Where it is found what a run is asked for. */
export interface RequestStores {
  readonly pipelines: PipelineStore
  readonly datasets: DatasetStore
  readonly suites: SuiteStore
}

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
  { pipelines, datasets, suites }: RequestStores,
  project: string,
  { pipeline, parameters: given, version: wanted }: WantedRun,
): Promise<WantedRequest> {
  const pinned = await pipelines.version(project, pipeline, wanted)
  return requestOf(pinned, given, {
    version: (dataset, selector) => datasets.find(project, dataset, selector),
    suite: dataset => suites.current(project, dataset),
  })
}

/** What a run is pinned to when it is taken on, each null for what is not there. */
export interface Pinning {
  readonly version: (
    dataset: string,
    selector: VersionSelector,
  ) => Promise<Pick<DatasetVersion, 'version' | 'root'> | null>
  readonly suite: (dataset: string) => Promise<SuiteRef | null>
}

/** The same of a version that is at hand. */
export async function requestOf(
  { pipelineId, version, sha256, definition }: PipelineVersion,
  given: Readonly<Record<string, unknown>>,
  pinning: Pinning,
): Promise<WantedRequest> {
  const { values: parameters, problems } = parameterValues(definition, given)
  if (parameters === null) return { definition, request: null, problems }
  const pins: Pin[] = []
  for (const { step, dataset, selector } of movingSelectors(definition, parameters)) {
    const found = await pinning.version(dataset, selector)
    if (found) pins.push({ step, dataset, version: found.version, root: found.root })
  }
  const suites: SuitePin[] = []
  for (const { step, dataset } of movingSuites(definition, parameters)) {
    const found = await pinning.suite(dataset)
    if (found) suites.push({ step, dataset, version: found.version, sha256: found.sha256 })
  }
  const request = {
    ...{ pipelineId, version, sha256, parameters },
    ...(pins.length > 0 ? { pins } : {}),
    ...(suites.length > 0 ? { suites } : {}),
  }
  return { definition, request, problems: [] }
}
