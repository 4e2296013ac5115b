import { setTimeout as wait } from 'node:timers/promises'
import type {
  Rollout,
  RolloutStrategy,
  StartRollout,
  VerbAccepted,
} from '../../../contracts/rest/rollouts.js'
import { all } from '../all.js'
import type { PatientClient } from '../client.js'
import { differences } from '../differences.js'
import type { RolloutPoint } from '../points.js'
import { MODEL, STRONG, WEAK } from './base.js'
import type { Traffic } from './traffic.js'

/** Called when the chain is about to come to a point; resolves when it was there. */
export type AtPoint = (point: RolloutPoint) => Promise<void>

const BEGUN_MS = 120_000

const stops = [
  { percent: 10, minRows: 10 },
  { percent: 50, minRows: 20 },
]

/** Wide margins: with few rows a version that is better shall pass, and no chance decide. */
const CANARY: RolloutStrategy = {
  kind: 'canary',
  stops,
  mirrorPercent: 100,
  gates: { error: { minUnits: 8, tunedAt: 100, maxIncrease: 1 } },
}

/** Without gates that could speak before the verb does. */
const ENDLESS: RolloutStrategy = {
  kind: 'canary',
  stops: [{ percent: 10, minRows: 10_000 }],
  mirrorPercent: 0,
  gates: { error: { minUnits: 10_000 } },
}

/**
 * The first version of a deployment, a better one that is promoted by its evidence, a bad one that is forced in
 * and rolled back by its evidence, and one that somebody aborts, all by the REST API and with traffic. Ends when
 * all has ended and everything is ingested, and throws when something did not end as it should.
 * @param refused id of a training that the gate refused
 */
export async function runRollouts(
  client: PatientClient,
  traffic: Traffic,
  deployment: string,
  refused: string,
  at: AtPoint,
): Promise<void> {
  await client.post('/v1/deployments', { name: deployment, model: MODEL })
  const rollOut = async (name: string, body: Omit<StartRollout, 'reason'>, outcome: string) =>
    endOf(client, await startRollout(client, deployment, name, body), outcome)

  await all([rollOut('first', { version: WEAK }, 'promoted'), at('issued')])
  await all([
    traffic.during(rollOut('canary', { version: STRONG, strategy: CANARY }, 'promoted')),
    ...(['untaken', 'sealed', 'half', 'swap', 'alias'] as const).map(at),
  ])
  const force = { reason: 'the kill suite wants to see it fail' }
  const forced = { training: refused, force, strategy: CANARY }
  await all([traffic.during(rollOut('forced', forced, 'rolled_back')), at('uploaded')])
  await traffic.during(abortOne(client, deployment, at))
  await traffic.finish()
}

export function startRollout(
  client: PatientClient,
  deployment: string,
  name: string,
  body: Omit<StartRollout, 'reason'>,
): Promise<Rollout> {
  const path = `/v1/deployments/${deployment}/rollouts`
  return client.post<Rollout>(path, { ...body, reason: 'kill suite' }, `${deployment}-${name}`)
}

export async function endOf(
  client: PatientClient,
  { id }: Pick<Rollout, 'id'>,
  outcome: string,
): Promise<void> {
  const run = await client.follow<Rollout>(`/v1/rollouts/${id}`)
  if (run.outcome === outcome) return
  throw new Error(
    `Rollout ${id} ended ${run.status} (${run.outcome}), not ${outcome}: ${run.error?.message ?? 'no error'}`,
  )
}

/** Aborts a rollout that has traffic, and asks again what the answer was: with the same key it is the same. */
async function abortOne(client: PatientClient, deployment: string, at: AtPoint): Promise<void> {
  const body = { version: WEAK, strategy: ENDLESS }
  const { id } = await startRollout(client, deployment, 'aborted', body)
  await hasTraffic(client, id)
  const abort = () => client.post<VerbAccepted>(`/v1/rollouts/${id}/abort`, {}, `${deployment}-abort`)
  const [answer] = await all([abort(), at('verb')])
  await endOf(client, { id }, 'aborted')
  const wrong = differences(answer, await abort())
  if (wrong.length > 0) throw new Error(`The same verb again has another answer: ${wrong.join('; ')}`)
}

/** Until all replicas answer by a plan with the candidate in it, and the rollout knows. */
export async function hasTraffic(client: PatientClient, id: string): Promise<void> {
  for (const end = Date.now() + BEGUN_MS; ; await wait(100)) {
    const { live, status, stage } = await client.get<Rollout>(`/v1/rollouts/${id}`)
    if (live?.arms.some(({ role, weight }) => role === 'candidate' && weight > 0)) return
    if (Date.now() > end) throw new Error(`Rollout ${id} has no traffic yet: ${status} (${stage})`)
  }
}
