import type { IncidentStatus } from '../../../domain/incidents/incident-status.js'
import type { GateName } from '../gates.js'
import { type IncidentPoint, POINT_TITLES } from '../points.js'
import type { KillStack } from '../stack.js'
import { type Place, rowAppears, waitFor, type WasLate } from '../strike.js'

/** At the others worker-io is not held: nothing happens before the scenario goes on, or there is a row to be seen. */
const GATES: Readonly<Partial<Record<IncidentPoint, GateName>>> = {
  opened: 'opened',
  set: 'set-1',
  accepted: 'accepted',
  registered: 'rollout',
  moved: 'promote',
  closed: 'closed',
}

/** What the incident says of itself where it is to be hit. */
const STATUS: Readonly<Record<IncidentPoint, IncidentStatus>> = {
  opened: 'open',
  waiting: 'waiting_for_data',
  set: 'retraining',
  accepted: 'retraining',
  registered: 'rolling_out',
  moved: 'rolling_out',
  observed: 'observing',
  closed: 'closed',
}

/** Where a deployment's incident is to be hit. */
export function placeOf(stack: KillStack, deployment: string, point: IncidentPoint): Place {
  const gate = GATES[point]
  return { gate, reached: () => reached(stack, deployment, point, gate) }
}

/** The incident of deployment $1, while its run is open. */
const INCIDENT = `FROM incidents i JOIN deployments d ON d.id = i.deployment_id JOIN runs ON runs.id = i.id
  WHERE d.name = $1 AND runs.status IN ('accepted', 'running')`

const OBSERVED = `SELECT i.status ${INCIDENT} AND EXISTS (SELECT 1 FROM drift_windows w
  WHERE w.deployment_id = d.id AND w.starts_at >= to_timestamp((i.state->>'observedFrom')::numeric / 1000))`

async function reached(
  stack: KillStack,
  deployment: string,
  point: IncidentPoint,
  gate: GateName | undefined,
): Promise<WasLate> {
  const status = STATUS[point]
  if (point === 'observed') {
    const row = await rowAppears<{ status: IncidentStatus }>(stack, OBSERVED, [deployment])
    return () => row.status !== status
  }
  if (gate !== undefined) await waitFor(() => stack.gates.isReached(gate), POINT_TITLES[point])
  const [row] = await stack.query<{ status: IncidentStatus }>(`SELECT i.status ${INCIDENT}`, [deployment])
  if (row?.status === status) return () => false
  throw new Error(`At "${POINT_TITLES[point]}" the incident is ${row?.status ?? 'not there'}, not ${status}.`)
}
