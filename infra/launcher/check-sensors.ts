import type { EntityManager } from 'typeorm'
import type { SensorFacts } from '../../domain/check/sensors.js'

const SQL = {
  sensors: `SELECT id, project, name, events,
      (SELECT count(*)::int FROM sensor_events event WHERE event.sensor_id = sensors.id) AS "eventRows"
    FROM sensors ORDER BY project, name, id`,
  sensorTicks: `SELECT sensor_id AS "sensorId", incarnation, key, outcome, run_id AS "runId",
      object_uri AS "objectUri"
    FROM sensor_ticks ORDER BY sensor_id, at, id`,
} as const satisfies Record<keyof SensorFacts, string>

/** What the database holds of sensors, as a check looks at it. */
export async function sensorRows(transaction: EntityManager): Promise<SensorFacts> {
  const found: [string, unknown][] = []
  for (const [name, sql] of Object.entries(SQL)) found.push([name, await transaction.query(sql)])
  return Object.fromEntries(found) as unknown as SensorFacts
}
