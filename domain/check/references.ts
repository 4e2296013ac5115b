import type { StackFacts } from './facts.js'

const URI = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}\/(?:sha256|table-data)\/[0-9a-f]{2}\/[0-9a-f]{64}$/

/** An object that a row points at; `bytes` is null where the row does not say how large it is. */
export interface Reference {
  readonly uri: string
  readonly bytes: number | null
  /** The first row that points at it. */
  readonly by: string
}

export type Referring = Pick<
  StackFacts,
  | 'datasets'
  | 'datasetVersions'
  | 'dataPacks'
  | 'dataRefs'
  | 'definitions'
  | 'removedObjects'
  | 'modelVersions'
  | 'transformationVersions'
  | 'checkpoints'
  | 'uploads'
  | 'runs'
  | 'ledger'
  | 'plans'
  | 'segments'
  | 'predictionFiles'
  | 'driftWindows'
  | 'pipelineSteps'
  | 'sensorTicks'
>

/** Every object that a row points at, once, in the order of the uris. */
export function referencedObjects(rows: Referring): Reference[] {
  const found = new Map<string, Reference>()
  // What was removed is named by what was done with it before.
  const removed = new Set([
    ...rows.datasetVersions.flatMap(({ purge }) => purge?.erased ?? []),
    ...rows.removedObjects,
  ])
  const need = (uri: string, bytes: number | null, by: string) => {
    const known = found.get(uri)
    if (known === undefined || known.bytes === null) found.set(uri, { uri, bytes, by: known?.by ?? by })
  }
  const add: Add = (uri, bytes, by) => {
    if (!removed.has(uri)) need(uri, bytes, by)
  }
  for (const version of rows.datasetVersions) {
    const { raw, parquet, quarantine, retiredAt, effectKey } = version
    walk([raw, parquet, quarantine], effectKey, retiredAt === null ? need : add)
  }
  const projects = new Map(rows.datasets.map(({ id, project }) => [id, project]))
  for (const { datasetId, commit, purge, effectKey } of rows.datasetVersions) {
    const project = projects.get(datasetId)
    if (commit === null || purge !== null || project === undefined) continue
    add(`${project}/commits/${commit.slice(0, 2)}/${commit}`, null, effectKey)
  }
  for (const { uri, bytes } of rows.dataPacks) add(uri, bytes, 'the catalogue of data')
  for (const { record, kind, name } of rows.dataRefs) {
    if (record !== null) add(record, null, `${kind} ${name}`)
  }
  for (const { what, record } of rows.definitions) add(record, null, what)
  for (const version of rows.modelVersions) walk(version.artifacts, version.effectKey, add)
  for (const { state, folds, effectKey } of rows.transformationVersions) walk([state, folds], effectKey, add)
  for (const { uri, bytes } of rows.checkpoints) add(uri, Number(bytes), 'a checkpoint')
  for (const { uri, bytes } of rows.uploads) add(uri, Number(bytes), 'an upload')
  for (const { versions, effectKey } of rows.plans) walk(versions, `plan ${effectKey}`, add)
  for (const { replica, segment, uri, bytes, problem } of rows.segments) {
    // Evidence also after it was ingested: the sealed bytes of what was answered. One that is given up is not missed.
    if (problem === null) add(uri, bytes, `segment ${replica}/${segment}`)
  }
  for (const { uri, bytes, effectKey, replacedBy } of rows.predictionFiles) {
    if (replacedBy === null) add(uri, bytes, `predictions ${effectKey}`)
  }
  for (const { report, effectKey } of rows.driftWindows) walk(report, effectKey, add)
  for (const { id, history, request } of rows.runs) {
    if (history !== null) add(history, null, `the history of run ${id}`)
    walk(request, `run ${id}`, add)
  }
  for (const { runId, step, log } of rows.pipelineSteps) {
    if (log !== null) add(log, null, `the log of step ${step} of run ${runId}`)
  }
  for (const { key, objectUri } of rows.sensorTicks) {
    if (objectUri !== null) add(objectUri, null, `tick ${key} of a sensor`)
  }
  for (const { runId, step, outcome } of rows.ledger) walk(outcome, `step ${step} of run ${runId}`, add)
  return [...found.values()].sort((a, b) => (a.uri < b.uri ? -1 : 1))
}

/** Objects of prediction files that were replaced: still there for those who have read their names before. */
export function replacedObjects({ predictionFiles }: Pick<StackFacts, 'predictionFiles'>): string[] {
  const needed = new Set(predictionFiles.filter(file => file.replacedBy === null).map(({ uri }) => uri))
  const kept = predictionFiles.filter(file => file.deletedAt === null && !needed.has(file.uri))
  return [...new Set(kept.map(({ uri }) => uri))].sort()
}

type Add = (uri: string, bytes: number | null, by: string) => void

function walk(value: unknown, by: string, add: Add): void {
  if (typeof value !== 'object' || value === null) return
  const { uri, bytes } = value as { uri?: unknown; bytes?: unknown }
  if (typeof uri === 'string' && URI.test(uri)) add(uri, typeof bytes === 'number' ? bytes : null, by)
  for (const child of Object.values(value)) walk(child, by, add)
}
