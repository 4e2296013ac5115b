import type { Config } from '../../config/config.js'
import type { Sensor, SensorState, SensorTick } from '../../contracts/rest/sensors.js'
import { sensorWorkflowId } from '../../contracts/temporal/sensors.js'
import type { TickOutcome } from '../../domain/sensors/sensor.js'
import type { Sensor as Row, SensorTick as TickRow } from '../../stores/postgres/entities/sensor.js'
import { sourceView } from './source-view.js'

interface Counted {
  readonly openRuns: number
  readonly ticks: Partial<Record<TickOutcome, number>>
}

export function sensorView(
  row: Row,
  { webUrl, namespace }: Config['temporal'],
  { openRuns, ticks }: Counted,
): Sensor {
  const { name, pipeline, parameters, intervalSeconds, maxOpenRuns, paused, note, lastError } = row
  const workflow = encodeURIComponent(sensorWorkflowId(row))
  return {
    name,
    source: sourceView(row.source),
    pipeline: { name: pipeline, parameters: { ...parameters } },
    intervalSeconds,
    maxOpenRuns,
    paused,
    note,
    state: stateOf(row, openRuns),
    revision: row.revision,
    incarnation: row.incarnation,
    since: row.since.toISOString(),
    cursor: row.cursor,
    lastError: lastError && { code: lastError.code, message: lastError.message },
    failingSince: iso(row.failingSince),
    lookedAt: iso(row.lookedAt),
    nextLookAt: paused ? null : iso(row.nextLookAt),
    openRuns,
    ticks: { started: 0, skipped: 0, refused: 0, ...ticks },
    webUrl: `${webUrl.replace(/\/$/, '')}/namespaces/${namespace}/workflows/${workflow}`,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }
}

function stateOf({ paused, lastError, lookedAt, maxOpenRuns }: Row, openRuns: number): SensorState {
  if (paused) return 'paused'
  if (lastError) return 'failing'
  if (lookedAt === null) return 'waiting_for_worker'
  return openRuns >= maxOpenRuns ? 'full' : 'watching'
}

export function tickView({ payload, key, incarnation, outcome, runId, reason, ...row }: TickRow): SensorTick {
  const problems = row.problems.map(({ at, message }) => ({ at, message }))
  return { key, incarnation, payload, outcome, runId, reason, problems, at: row.at.toISOString() }
}

const iso = (at: Date | null): string | null => at && at.toISOString()
