import { crosses, type SensorCursor, type SourceTick } from '../../domain/sensors/sensor.js'
import type { UnseenOf } from '../../stores/postgres/sensor-source-store.js'
import { PAGE, type Reading, type SourcePage, type SourcePorts } from './read-source.js'

/** Versions of a model that one look compares with the limit. */
const VERSIONS = 100

export async function readDataset(
  { datasets, sensorSources }: SourcePorts,
  { project, source, cursor, since }: Reading<'dataset'>,
): Promise<SourcePage> {
  const { id, name: dataset } = await datasets.get(project, source.name)
  const from = versionOf(cursor) ?? (await sensorSources.datasetVersionAt(id, since))
  const found = await sensorSources.datasetVersionsAfter(id, source.branch ?? null, from, PAGE)
  const ticks = found.map(({ version, root, rows }) => ({
    key: `v${version}`,
    payload: { dataset, version, root, rows: Number(rows) },
    cursor: { version },
  }))
  return pageOf(ticks, { version: from }, found.length === PAGE)
}

/** Each version whose figure is beyond the limit, once: of all, or of those that the alias came to name. */
export async function readMetric(ports: SourcePorts, reading: Reading<'metric'>): Promise<SourcePage> {
  const { project, source, cursor, since } = reading
  const { models, sensorSources } = ports
  const { id } = await models.get(project, source.model)
  if (source.alias !== null) return readAlias(ports, reading, source.alias)
  const from = versionOf(cursor) ?? (await sensorSources.modelVersionAt(id, since))
  const found = await sensorSources.modelVersionsAfter(id, from, VERSIONS)
  const ticks = found.flatMap(({ version, metrics }) => tickOf(source, version, metrics, { version }))
  const last = found.at(-1)?.version ?? from
  const more = found.length === VERSIONS || ticks.length > PAGE
  return pageOf(ticks.slice(0, PAGE), { version: last }, more)
}

async function readAlias(
  { models }: SourcePorts,
  { project, source, cursor, since }: Reading<'metric'>,
  alias: string,
): Promise<SourcePage> {
  const { items } = await models.aliasHistory(project, source.model, alias, { limit: 1 })
  const [change] = items
  if (!change || change.at <= since || change.id === cursor?.['change']) return pageOf([], cursor, false)
  const moved = { change: change.id }
  if (change.toVersion === null) return pageOf([], moved, false)
  const { version, metrics } = await models.version(project, source.model, change.toVersion)
  return pageOf(tickOf(source, version, metrics, moved), moved, false)
}

function tickOf(
  source: Reading<'metric'>['source'],
  version: number,
  metrics: unknown,
  cursor: SensorCursor,
): SourceTick[] {
  const { model, alias, metric, limit } = source
  const value = (metrics as { model?: Record<string, unknown> } | null)?.model?.[metric]
  if (!crosses(value, source)) return []
  return [{ key: `v${version}`, payload: { model, version, alias, metric, value, limit }, cursor }]
}

export async function readDrift(
  { deployments, sensorSources }: SourcePorts,
  reading: Reading<'drift'>,
): Promise<SourcePage> {
  const { deployment: name, on } = reading.source
  const { id } = await deployments.get(reading.project, name)
  const found = await sensorSources.driftEvents(id, on, unseen(reading))
  const ticks = found.map(({ key, name: what, at }) => ({
    key,
    payload: {
      deployment: name,
      incident: on === 'incident' ? what : null,
      window: on === 'window' ? what : null,
      at: at.toISOString(),
    },
    cursor: { until: at.toISOString() },
  }))
  return pageOf(ticks, reading.cursor, found.length === PAGE)
}

export async function readPipeline(
  { pipelines, sensorSources }: SourcePorts,
  reading: Reading<'pipeline'>,
): Promise<SourcePage> {
  const { name, status: wanted } = reading.source
  await pipelines.get(reading.project, name)
  const found = await sensorSources.endedRuns(reading.project, name, wanted, unseen(reading))
  const ticks = found.map(({ key, id, status, attempt, at }) => ({
    key,
    payload: { pipeline: name, runId: id, status, attempt },
    cursor: { until: at.toISOString() },
  }))
  return pageOf(ticks, reading.cursor, found.length === PAGE)
}

export async function readEvents(
  { sensorTicks }: SourcePorts,
  { id, cursor }: Reading<'webhook'>,
): Promise<SourcePage> {
  const from = Number(cursor?.['event'] ?? 0)
  const found = await sensorTicks.eventsAfter(id, from, PAGE)
  const ticks = found.map(({ key, number }) => ({ key, payload: null, cursor: { event: number } }))
  return pageOf(ticks, { event: from }, found.length === PAGE)
}

function pageOf(ticks: readonly SourceTick[], before: SensorCursor | null, more: boolean): SourcePage {
  return { ticks, cursor: before, more }
}

function versionOf(cursor: SensorCursor | null): number | null {
  const version = cursor?.['version']
  return typeof version === 'number' ? version : null
}

function unseen({ id: sensorId, incarnation, since, cursor }: Reading<'drift' | 'pipeline'>): UnseenOf {
  const until = cursor?.['until']
  const seenUntil = typeof until === 'string' ? new Date(until) : null
  return { sensorId, incarnation, since, seenUntil, limit: PAGE }
}
