import { setTimeout as wait } from 'node:timers/promises'
import type { PatientClient } from '../client.js'
import type { GateName } from '../gates.js'
import type { Pair, Point } from '../points.js'
import type { KillStack } from '../stack.js'
import { kill, rowAppears, waitFor } from '../strike.js'
import { namesOf, trainingOf } from './scenario.js'

export interface Strike {
  readonly pair: Pair
  readonly prefix: string
  readonly delayMs: number
  /** Dataset that the second training is about, where there has to be one. */
  readonly base: string
}

/** What was killed, where the chain stood. */
export interface Struck {
  readonly at: Date
  readonly runId: string | undefined
  readonly pid: number
  /** Resolves when the second training has ended. */
  readonly other: Promise<void>
}

/** True where the chain itself has no child process to kill: another training runs beside it then. */
export const needsOther = ({ process, point }: Pair): boolean =>
  process === 'trainer' && point !== 'checkpoint' && point !== 'evaluate'

/** Waits until the scenario is where it is to be hit, and kills with SIGKILL. */
export async function strike(
  stack: KillStack,
  client: PatientClient,
  { pair, prefix, delayMs, base }: Strike,
  runId: string | undefined,
): Promise<Struck> {
  const gate = gateOf(pair.point)
  let other: Promise<void> = Promise.resolve()
  try {
    await reached(stack, pair.point, runId)
    if (needsOther(pair)) {
      const name = namesOf(prefix).other
      const { id } = await client.post<{ id: string }>(
        '/v1/trainings',
        trainingOf(name, base),
        `${prefix}-other`,
      )
      other = client.follow(`/v1/trainings/${id}`).then(() => undefined)
      other.catch(() => undefined)
    }
    await wait(delayMs)
    const at = new Date()
    // While a worker that came to a gate still stands there.
    const pid = await kill(stack, pair.process)
    return { at, runId, pid, other }
  } finally {
    if (gate !== undefined) stack.gates.open(gate)
  }
}

/** Makes the gate of a point ready before the scenario comes there. */
export function prepare(stack: KillStack, { point }: Pair): void {
  const gate = gateOf(point)
  if (gate !== undefined) stack.gates.arm(gate)
}

function gateOf(point: Point): GateName | undefined {
  return point === 'commit' || point === 'register' ? point : undefined
}

/** Seen from outside: bytes that arrive, gates that were met, rows, child processes. */
async function reached(stack: KillStack, point: Point, runId: string | undefined): Promise<void> {
  switch (point) {
    case 'upload':
      await waitFor(() => stack.bytesInFlight() > 0, 'bytes of the upload arrive')
      return
    case 'commit':
      await waitFor(() => stack.gates.isReached('commit'), 'the commit comes to its transaction')
      return expectRows(stack, 'dataset_versions', runId, 0)
    case 'checkpoint':
      await rowAppears(stack, 'SELECT 1 FROM checkpoints WHERE run_id = $1', [runId])
      return
    case 'evaluate':
      await rowAppears(stack, `SELECT 1 FROM runs WHERE id = $1 AND stage = 'evaluate'`, [runId])
      await waitFor(() => stack.find('trainer'), 'the evaluation has its process')
      return
    case 'register':
      await waitFor(() => stack.gates.isReached('register'), 'the version is registered')
      return expectRows(stack, 'model_versions', runId, 1)
    default:
      // At the trigger the scenario has just sent the request.
      return
  }
}

async function expectRows(
  stack: KillStack,
  table: string,
  runId: string | undefined,
  count: number,
): Promise<void> {
  const { length } = await stack.query(`SELECT 1 FROM ${table} WHERE run_id = $1`, [runId])
  if (length !== count) throw new Error(`${table} has ${length} rows of the run at the gate, not ${count}.`)
}
