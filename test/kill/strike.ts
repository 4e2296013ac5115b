import { setTimeout as wait } from 'node:timers/promises'
import type { ProcessIdentity } from '../../infra/launcher/proc.js'
import { isAlive, until } from '../../infra/launcher/proc.js'
import type { PatientClient } from './client.js'
import type { GateName } from './gates.js'
import type { Pair, Point, Victim } from './points.js'
import { namesOf, trainingOf } from './scenario.js'
import type { KillStack } from './stack.js'

const REACH_MS = 60_000
const GONE_MS = 5_000

export interface Strike {
  readonly pair: Pair
  readonly prefix: string
  /** Milliseconds between the point and the kill: 0 hits it as exactly as it can be seen. */
  readonly delayMs: number
  /** Dataset that the second training is about, where there has to be one. */
  readonly base: string
}

/** What was killed, where the chain stood. */
export interface Struck {
  readonly at: Date
  readonly runId: string | undefined
  readonly pid: number
}

/** True where the chain itself has no child process to kill: another training runs beside it then. */
export const needsOther = ({ process, point }: Pair): boolean =>
  process === 'trainer' && point !== 'checkpoint' && point !== 'evaluate'

/**
 * Waits until the scenario is where it is to be hit, and kills with SIGKILL.
 * @returns what was hit; `other` resolves when the second training has ended
 */
export async function strike(
  stack: KillStack,
  client: PatientClient,
  { pair, prefix, delayMs, base }: Strike,
  runId: string | undefined,
): Promise<Struck & { other: Promise<void> }> {
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

/** Kills it while a worker that came to a gate still stands there. */
async function kill(stack: KillStack, name: Victim): Promise<number> {
  const found = await waitFor(() => stack.find(name), `there is a process ${name}`)
  const before = stack.processes()
  process.kill(found.pid, 'SIGKILL')
  await gone(found, name)
  if (name === 'supervisor') {
    await stack.up()
    const after = stack.processes()
    const changed = Object.keys(before).filter(each => after[each]?.pid !== before[each]?.pid)
    if (changed.length > 0) throw new Error(`The new supervisor has not adopted ${changed.join(', ')}.`)
  }
  return found.pid
}

async function gone(identity: ProcessIdentity, name: string): Promise<void> {
  if (await until(() => !isAlive(identity), GONE_MS, 1)) return
  throw new Error(`${name} (pid ${identity.pid}) has survived SIGKILL.`)
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
      return rowAppears(stack, 'SELECT 1 FROM checkpoints WHERE run_id = $1', runId)
    case 'evaluate':
      await rowAppears(stack, `SELECT 1 FROM runs WHERE id = $1 AND stage = 'evaluate'`, runId)
      await waitFor(() => stack.find('trainer'), 'the evaluation has its process')
      return
    case 'register':
      await waitFor(() => stack.gates.isReached('register'), 'the version is registered')
      return expectRows(stack, 'model_versions', runId, 1)
    case 'trigger':
      // The scenario has just sent the request.
      return
  }
}

async function rowAppears(stack: KillStack, text: string, runId: string | undefined): Promise<void> {
  await stack.connected(query =>
    waitFor(async () => (await query(text, [runId])).length > 0, `there is a row: ${text}`),
  )
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

async function waitFor<T>(look: () => T | Promise<T>, what: string): Promise<NonNullable<T>> {
  let found: T | undefined
  const isThere = async () => {
    found = await look()
    return found !== undefined && found !== null && found !== false
  }
  if (await until(isThere, REACH_MS, 2)) return found as NonNullable<T>
  throw new Error(`Within ${REACH_MS / 1000} s it was not seen that ${what}.`)
}
