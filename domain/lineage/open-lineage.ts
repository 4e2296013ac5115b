import type { RunStatus } from '../runs/run-status.js'
import { type LineageNode, nodeId, parseNodeId } from './nodes.js'

export type OpenLineageEventType = 'START' | 'COMPLETE' | 'FAIL' | 'ABORT'

/** What a run has come to, as OpenLineage says it; null for what it has no word for. A refusal is a run without its output. */
export function eventTypeOf(status: RunStatus): OpenLineageEventType | null {
  switch (status) {
    case 'accepted':
      return null
    case 'running':
      return 'START'
    case 'succeeded':
      return 'COMPLETE'
    case 'cancelled':
    case 'terminated':
      return 'ABORT'
    case 'refused':
    case 'failed':
    case 'timed_out':
    case 'lost':
    case 'start_failed':
      return 'FAIL'
  }
}

/** A version as its schema and size are told with it. */
export interface VersionFacts {
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly rows: number | null
  readonly bytes: number | null
}

/** A change of a run, with all that is told of it. */
export interface RunChange {
  readonly type: OpenLineageEventType
  /** Of the attempt: OpenLineage has no second start of a run. */
  readonly attemptId: string
  readonly runId: string
  readonly attempt: number
  readonly kind: string
  readonly name: string
  readonly status: RunStatus
  readonly trigger: string
  readonly principal: string
  readonly error: { readonly code: string; readonly message: string } | null
  /** Milliseconds since 1970. */
  readonly at: number
  /** The run that has started this one. */
  readonly parent: { readonly runId: string; readonly kind: string; readonly name: string } | null
  /** Ids of nodes. */
  readonly read: readonly string[]
  readonly wrote: readonly string[]
  /** Of those versions of datasets that are tables, by id. */
  readonly versions: ReadonlyMap<string, VersionFacts>
}

export interface OpenLineageOptions {
  /** Of all jobs and datasets. */
  readonly namespace: string
  /** Of MLForge, for example `0.1.0`. */
  readonly release: string
}

type Facets = Readonly<Record<string, object>>

interface Dataset {
  readonly namespace: string
  readonly name: string
  readonly facets: Facets
}

/** https://openlineage.io/spec/2-0-2/OpenLineage.json, RunEvent. */
export interface OpenLineageRunEvent {
  readonly eventType: OpenLineageEventType
  readonly eventTime: string
  readonly producer: string
  readonly schemaURL: string
  readonly run: { readonly runId: string; readonly facets: Facets }
  readonly job: { readonly namespace: string; readonly name: string; readonly facets: Facets }
  readonly inputs: readonly (Dataset & { readonly inputFacets: Facets })[]
  readonly outputs: readonly (Dataset & { readonly outputFacets: Facets })[]
}

const SPEC = 'https://openlineage.io/spec'
const EVENT = `${SPEC}/2-0-2/OpenLineage.json`

/**
 * A change of a run as an event of OpenLineage 2-0-2. Jobs are `<kind>/<name>`, datasets their node of lineage without
 * the version, which is in the facet `version`. Equal changes give equal events.
 */
export function openLineageEvent(
  change: RunChange,
  { namespace, release }: OpenLineageOptions,
): OpenLineageRunEvent {
  const { type, at, attemptId, kind, name, read, wrote, versions } = change
  const producer = `urn:mlforge:${release}`
  const facet: MakeFacet = (schema, value) => ({
    _producer: producer,
    _schemaURL: `${SPEC}/${schema}`,
    ...value,
  })
  const dataset = (id: string): Dataset[] => {
    const node = parseNodeId(id)
    if (node === null || node.kind === 'run') return []
    return [{ namespace, name: datasetName(node), facets: datasetFacets(node, versions.get(id), facet) }]
  }
  return {
    eventType: type,
    eventTime: new Date(at).toISOString(),
    producer,
    schemaURL: `${EVENT}#/$defs/RunEvent`,
    run: { runId: attemptId, facets: runFacets(change, { namespace, release }, facet) },
    job: {
      namespace,
      name: jobName({ kind, name }),
      facets: {
        jobType: facet('facets/2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet', {
          processingType: 'BATCH',
          integration: 'MLFORGE',
          jobType: kind.toUpperCase(),
        }),
      },
    },
    inputs: read.flatMap(dataset).map(input => ({ ...input, inputFacets: {} })),
    outputs: wrote.flatMap(id =>
      dataset(id).map(output => ({ ...output, outputFacets: outputFacets(versions.get(id), facet) })),
    ),
  }
}

type MakeFacet = (schema: string, value: object) => object

const jobName = ({ kind, name }: { readonly kind: string; readonly name: string }) => `${kind}/${name}`

function datasetName(node: Exclude<LineageNode, { kind: 'run' }>): string {
  return node.kind === 'report' ? nodeId(node) : `${node.kind}:${node.name}`
}

function datasetFacets(node: LineageNode, facts: VersionFacts | undefined, facet: MakeFacet): Facets {
  const version = versionOf(node)
  return {
    datasetType: facet('facets/1-0-1/DatasetTypeDatasetFacet.json#/$defs/DatasetTypeDatasetFacet', {
      datasetType: node.kind.toUpperCase(),
    }),
    ...(version !== null && {
      version: facet('facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet', {
        datasetVersion: version,
      }),
    }),
    ...(facts && {
      schema: facet('facets/1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet', {
        fields: facts.columns,
      }),
    }),
  }
}

function versionOf(node: LineageNode): string | null {
  if ('version' in node) return String(node.version)
  return node.kind === 'window' ? node.window : null
}

function outputFacets(facts: VersionFacts | undefined, facet: MakeFacet): Facets {
  if (facts === undefined || facts.rows === null) return {}
  const { rows, bytes } = facts
  return {
    outputStatistics: facet(
      'facets/1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet',
      { rowCount: rows, ...(bytes !== null && { size: bytes }) },
    ),
  }
}

function runFacets(
  { runId, attempt, status, trigger, principal, error, parent }: RunChange,
  { namespace, release }: OpenLineageOptions,
  facet: MakeFacet,
): Facets {
  return {
    processing_engine: facet('facets/1-1-1/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet', {
      version: release,
      name: 'MLForge',
      openlineageAdapterVersion: release,
    }),
    // The specification's own base: what is ours has no schema but that.
    mlforge_run: facet('2-0-2/OpenLineage.json#/$defs/RunFacet', {
      runId,
      attempt,
      status,
      trigger,
      principal,
      ...(error !== null && { errorCode: error.code }),
    }),
    ...(parent !== null && {
      parent: facet('facets/1-2-0/ParentRunFacet.json#/$defs/ParentRunFacet', {
        run: { runId: parent.runId },
        job: { namespace, name: jobName(parent) },
      }),
    }),
    ...(error !== null && {
      errorMessage: facet('facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet', {
        message: error.message,
        programmingLanguage: 'TypeScript',
      }),
    }),
  }
}
