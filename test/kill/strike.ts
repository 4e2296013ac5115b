import { setTimeout as wait } from 'node:timers/promises'
import type { ProcessIdentity } from '../../infra/launcher/proc.js'
import { isAlive, until } from '../../infra/launcher/proc.js'
import type { GateName } from './gates.js'
import type { Kill } from './play.js'
import type { Pair, Point, Victim } from './points.js'
import type { KillStack, Query } from './stack.js'

/** How long a scenario may take to come to a point. */
export const REACH_MS = 240_000
const GONE_MS = 30_000

/** Says afterwards whether the point had passed when the kill came. */
export type WasLate = (at: Date) => boolean | Promise<boolean>

/** Where a point is, for `strike`. */
export interface Place {
  /** Stops worker-io there. */
  readonly gate: GateName | undefined
  /** Resolves when the point is seen from outside. */
  readonly reached: () => Promise<WasLate>
}

/**
 * Plays a scenario, and kills at its points.
 * @param play calls its argument when it is about to come to a point, and waits for it where the point is
 */
export async function playWithKills<P extends Point>(
  stack: KillStack,
  pairs: readonly Pair[],
  delayMs: number,
  placeOf: (point: P) => Place,
  play: (at: (point: P) => Promise<void>) => Promise<void>,
): Promise<Kill[]> {
  const kills: Awaited<ReturnType<typeof strike>>[] = []
  await play(async point => {
    for (const pair of pairs.filter(each => each.point === point)) {
      kills.push(await strike(stack, pair, delayMs, placeOf(point)))
    }
  })
  await stack.settled()
  return Promise.all(kills.map(async kill => ({ ...kill, late: await kill.late() })))
}

/** Waits until a scenario is where it is to be hit, and kills with SIGKILL while it stands there. */
async function strike(
  stack: KillStack,
  { point, process }: Pair,
  delayMs: number,
  { gate, reached }: Place,
): Promise<Omit<Kill, 'late'> & { late: () => Promise<boolean> }> {
  if (gate !== undefined) stack.gates.arm(gate)
  try {
    const wasLate = await reached()
    await wait(delayMs)
    const at = new Date()
    const pid = await kill(stack, process)
    return { point, pid, late: async () => wasLate(at) }
  } finally {
    if (gate !== undefined) stack.gates.open(gate)
  }
}

/** Kills a process with SIGKILL, and does for it what nobody else does: a supervisor is started again. */
export async function kill(stack: KillStack, name: Victim): Promise<number> {
  const found = await waitFor(() => stack.find(name), `there is a process ${name}`)
  const before = stack.wellProcesses()
  stack.killed.add(found.pid)
  process.kill(found.pid, 'SIGKILL')
  await gone(found, name)
  if (name === 'supervisor') {
    await stack.up()
    const after = stack.processes()
    // What another strike has killed meanwhile could not be adopted.
    const changed = Object.entries(before)
      .filter(([each, { pid }]) => after[each]?.pid !== pid && !stack.killed.has(pid))
      .map(([each]) => each)
    if (changed.length > 0) throw new Error(`The new supervisor has not adopted ${changed.join(', ')}.`)
  }
  return found.pid
}

async function gone(identity: ProcessIdentity, name: string): Promise<void> {
  if (await until(() => !isAlive(identity), GONE_MS, 1)) return
  throw new Error(`${name} (pid ${identity.pid}) has survived SIGKILL.`)
}

/** Looks each few milliseconds until there is something. */
export async function waitFor<T>(look: () => T | Promise<T>, what: string): Promise<NonNullable<T>> {
  let found: T | undefined
  const isThere = async () => {
    found = await look()
    return found !== undefined && found !== null && found !== false
  }
  if (await until(isThere, REACH_MS, 2)) return found as NonNullable<T>
  throw new Error(`Within ${REACH_MS / 1000} s it was not seen that ${what}.`)
}

/** The first row of a query, as soon as there is one. The server may be killed and come back meanwhile. */
export async function rowAppears<T>(stack: KillStack, text: string, values: readonly unknown[]): Promise<T> {
  const look = (query: Query) =>
    waitFor(async () => (await query<T>(text, values))[0], `there is a row: ${text}`)
  for (const end = Date.now() + REACH_MS; ;) {
    try {
      return await stack.connected(look)
    } catch (error) {
      if (!isConnectionLost(error) || Date.now() > end) throw error
    }
  }
}

/** Class 08 and 57P0x are the server's own words; the others are the socket's. */
function isConnectionLost(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string }
  return (
    /^(ECONNREFUSED|ECONNRESET|EPIPE|57P0\d|08\w{3})$/.test(code ?? '') ||
    /^Connection terminated|not queryable/.test(message ?? '')
  )
}
