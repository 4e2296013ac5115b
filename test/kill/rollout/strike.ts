import { existsSync, watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { GateName } from '../gates.js'
import type { RolloutPoint } from '../points.js'
import type { KillStack } from '../stack.js'
import { type Place, REACH_MS, rowAppears, waitFor, type WasLate } from '../strike.js'
import { STRONG } from './base.js'

const GATES: Readonly<Partial<Record<RolloutPoint, GateName>>> = { issued: 'plan-1', alias: 'promote' }

/** Where a deployment's rollouts are to be hit. */
export function placeOf(stack: KillStack, deployment: string, point: RolloutPoint): Place {
  return { gate: GATES[point], reached: () => reached(stack, deployment, point) }
}

/** Replicas that have reported lately, against plan p of deployment d. */
const REPLICAS = `FROM serving_replicas r
  WHERE r.deployment_id = d.id AND r.seen_at > now() - make_interval(secs => 10)`

const planSql = (what: string, condition: string) =>
  `SELECT ${what} FROM routing_plans p JOIN deployments d ON d.id = p.deployment_id JOIN runs ON runs.id = p.rollout_id
   WHERE d.name = $1 AND p.plan->'arms' @> $2::jsonb AND ${condition}`

/** Seen from outside: gates that were met, rows, files. */
async function reached(stack: KillStack, deployment: string, point: RolloutPoint): Promise<WasLate> {
  const plan = (sql: string, arm: object) =>
    rowAppears<{ passed: boolean }>(stack, sql, [deployment, JSON.stringify([arm])])
  const taken = `(SELECT bool_and(r.revision >= p.revision) ${REPLICAS})`
  switch (point) {
    case 'issued':
      await waitFor(() => stack.gates.isReached('plan-1'), 'the first plan is written')
      return () => false
    case 'untaken': {
      const { passed } = await plan(planSql(`coalesce(${taken}, false) AS passed`, 'true'), {
        role: 'candidate',
        weight: 10,
      })
      return () => passed
    }
    case 'sealed':
      return segmentIsSealed(stack)
    case 'half':
      await plan(planSql('false AS passed', taken), { role: 'candidate', weight: 50 })
      return () => false
    case 'swap': {
      const alone = `jsonb_array_length(p.plan->'arms') = 1`
      const sql = planSql(`runs.status <> 'running' AS passed`, `${alone} AND ${taken}`)
      const { passed } = await plan(sql, { role: 'stable', version: STRONG, weight: 100 })
      return () => passed
    }
    case 'alias':
      await waitFor(() => stack.gates.isReached('promote'), 'the alias is moved')
      return () => false
    case 'uploaded':
      return segmentWaits(stack)
    case 'verb':
      // The scenario has just sent it.
      return () => false
  }
}

async function segmentIsSealed(stack: KillStack): Promise<WasLate> {
  const directory = stack.replicaDirectory('serving-1')
  const segment = await nextSealed(join(directory, 'segments'))
  const { replica } = JSON.parse(await readFile(join(directory, 'replica.json'), 'utf8')) as {
    replica: string
  }
  // A segment that has come is due at once.
  return at => wasBefore(stack, at, 'due_at', { replica, segment })
}

/** The moment in which a segment is sealed: it will be sent within some milliseconds. */
function nextSealed(directory: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const watcher = watch(directory, { signal: AbortSignal.timeout(REACH_MS) }, (_, name) => {
      if (name?.endsWith('.sealed') !== true || !existsSync(join(directory, name))) return
      resolve(Number.parseInt(name, 10))
      watcher.close()
    })
    watcher.once('error', reject)
    watcher.once('close', () => reject(new Error(`No segment was sealed in ${directory} in time.`)))
  })
}

async function segmentWaits(stack: KillStack): Promise<WasLate> {
  const segment = await rowAppears<Segment>(
    stack,
    'SELECT replica, segment FROM prediction_segments WHERE ingested_at IS NULL AND problem IS NULL',
    [],
  )
  return at => wasBefore(stack, at, 'ingested_at', segment)
}

interface Segment {
  readonly replica: string
  readonly segment: number
}

async function wasBefore(
  stack: KillStack,
  at: Date,
  column: 'due_at' | 'ingested_at',
  { replica, segment }: Segment,
): Promise<boolean> {
  const rows = await stack.query<{ time: Date | null }>(
    `SELECT ${column} AS time FROM prediction_segments WHERE replica = $1 AND segment = $2`,
    [replica, segment],
  )
  const time = rows[0]?.time
  return time != null && time.getTime() <= at.getTime()
}
