import { setTimeout as wait } from 'node:timers/promises'
import type { Row } from '../report.js'
import { atOnce, type Peer, timed } from './peer.js'
import type { Runs } from './runs.js'

const RUNS = 500
/** Requests under way at once. */
const CLIENTS = 50
const MOST_MS = 180_000

/** Many runs asked for at once: how fast they are taken on, and until all have ended. */
export async function burst(runs: Runs, peer: Peer): Promise<Row[]> {
  const name = await runs.apply({ steps: 1, parallel: 1 })
  const ids: string[] = []
  const started = performance.now()
  const acceptedMs = await timed(() =>
    atOnce(RUNS, CLIENTS, async () => void ids.push((await runs.start(name)).id)),
  )
  const { ended, statuses } = await allEnded(peer, ids)
  const endedMs = ended - started
  const peerMs = await timed(() => atOnce(RUNS, CLIENTS, () => peer.writes(1)))
  return [
    {
      what: `${RUNS} runs at once, taken on`,
      unit: 'runs/s',
      ours: (RUNS * 1000) / acceptedMs,
      peer: (RUNS * 1000) / peerMs,
      peerName: 'workflows of one write, to their end',
      aim: 'above 1 x: nobody waits for the work',
      details: { acceptedMs, peerMs },
    },
    {
      what: `${RUNS} runs at once, to the end of the last`,
      unit: 's',
      ours: endedMs / 1000,
      peer: peerMs / 1000,
      peerName: 'workflows of one write',
      aim: 'none: all succeed',
      details: { statuses },
    },
  ]
}

async function allEnded(
  { pool }: Peer,
  ids: readonly string[],
): Promise<{ readonly ended: number; readonly statuses: Record<string, number> }> {
  for (const end = Date.now() + MOST_MS; Date.now() < end; await wait(100)) {
    const { rows } = await pool.query<{ status: string; runs: number }>(
      'SELECT status, count(*)::int AS runs FROM runs WHERE id = ANY($1) GROUP BY status',
      [ids],
    )
    const statuses = Object.fromEntries(rows.map(({ status, runs }) => [status, runs]))
    if (statuses['accepted'] || statuses['running']) continue
    if (statuses['succeeded'] !== RUNS) throw new Error(`Not all have succeeded: ${JSON.stringify(statuses)}`)
    return { ended: performance.now(), statuses }
  }
  throw new Error(`${RUNS} runs have not ended within ${MOST_MS / 1000} s.`)
}
