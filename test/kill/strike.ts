import type { ProcessIdentity } from '../../infra/launcher/proc.js'
import { isAlive, until } from '../../infra/launcher/proc.js'
import type { Victim } from './points.js'
import type { KillStack, Query } from './stack.js'

/** How long a scenario may take to come to a point. */
export const REACH_MS = 120_000
const GONE_MS = 5_000

/** Kills a process with SIGKILL, and does for it what nobody else does: a supervisor is started again. */
export async function kill(stack: KillStack, name: Victim): Promise<number> {
  const found = await waitFor(() => stack.find(name), `there is a process ${name}`)
  const before = stack.processes()
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
