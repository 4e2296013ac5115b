// From SIGKILL of one process of a running stack until all is as before: another process in its place, the
// API ready, predictions answered, and a run that was asked for after the kill completed: a commit, and a
// training where its worker is killed. Against the same with nobody killed, in the same rounds. Rounds of one
// worker differ by about ten seconds: presumably some tasks are handed to it at the moment of its death.
import { randomUUID } from 'node:crypto'
import type { Operation } from '../contracts/rest/operations.js'
import { commitOf } from '../examples/bike-sharing/bike.js'
import { BIKE_ROW } from './predict/model.js'
import { median, report, type Row } from './report.js'
import { deploy, smallTraining, type Stack, train, until, withStack } from './stack.js'

const VICTIMS = [
  'api',
  'serving-1',
  'worker-io',
  'worker-workflows',
  'worker-train',
  'temporal',
  'postgres',
  'redis',
] as const
/** Medians of the first rounds, and of all. */
const ROUNDS = [3, 5]
const MODEL = 'bike'

/** A run that is small: what asks for it, and where it can be followed. */
interface SmallRun {
  readonly path: string
  readonly body: (stack: Stack) => unknown
  readonly at: string
}

const COMMIT: SmallRun = {
  path: '/v1/datasets/bike/versions',
  body: ({ upload }) => commitOf(upload, 'bench'),
  at: '/v1/datasets/bike/commits',
}
const TRAINING: SmallRun = {
  path: '/v1/trainings',
  body: () => smallTraining(MODEL),
  at: '/v1/trainings',
}

/** Seconds from the kill until each was seen first, and until all hold. */
interface Recovery {
  readonly process: number
  readonly ready: number
  readonly answer: number
  readonly run: number
  readonly whole: number
}

await withStack(async stack => {
  await train(stack, MODEL)
  await deploy(stack, MODEL, MODEL)
  const killed = new Map<string, Recovery[]>(VICTIMS.map(victim => [victim, []]))
  const undisturbed = new Map<SmallRun, Recovery[]>([COMMIT, TRAINING].map(run => [run, []]))
  // In turns: a process that is killed too often in a minute is given up.
  for (let round = 0; round < ROUNDS.at(-1)!; round++) {
    for (const [run, recoveries] of undisturbed) recoveries.push(await recovery(stack, run))
    for (const [victim, recoveries] of killed) recoveries.push(await recovery(stack, runFor(victim), victim))
  }
  const rows = ROUNDS.flatMap(rounds =>
    VICTIMS.map((victim): Row => {
      const runs = killed.get(victim)!.slice(0, rounds)
      const peers = undisturbed.get(runFor(victim))!.slice(0, rounds)
      return {
        what: `SIGKILL of ${victim} to normal, median of ${rounds}`,
        unit: 's',
        ours: median(runs.map(run => run.whole)),
        peer: median(peers.map(run => run.whole)),
        peerName: 'nobody killed',
        aim: 'under 15 s',
        details: { runs, undisturbed: peers },
      }
    }),
  )
  report('recover', rows)
})

function runFor(victim: string): SmallRun {
  return victim === 'worker-train' ? TRAINING : COMMIT
}

async function recovery(stack: Stack, run: SmallRun, victim?: string): Promise<Recovery> {
  const before = (await stack.endpoints()).processes
  const pid = victim === undefined ? undefined : before[victim]!.pid
  if (pid !== undefined) process.kill(pid, 'SIGKILL')
  const started = performance.now()
  const since = async (work: Promise<unknown>): Promise<number> => {
    await work
    return (performance.now() - started) / 1000
  }
  const ready = () => untilOk(stack, 'api', '/ready')
  const answer = () =>
    untilOk(stack, 'serving', `/v1/deployments/${MODEL}/predict`, { rows: [{ features: BIKE_ROW }] })
  const firsts = await Promise.all([
    since(replaced(stack, victim, pid)),
    since(ready()),
    since(answer()),
    since(completed(stack, run)),
  ])
  // What answered first may have been about to notice.
  const whole = await since(Promise.all([ready(), answer()]))
  const [another, firstReady, firstAnswer, ended] = firsts
  return { process: another, ready: firstReady, answer: firstAnswer, run: ended, whole }
}

async function replaced(stack: Stack, victim: string | undefined, pid: number | undefined): Promise<void> {
  if (victim === undefined) return
  await until(`another ${victim}`, async () => {
    const now = (await stack.endpoints()).processes[victim]
    return now === undefined || now.pid === pid ? undefined : now
  })
}

/** Asks for a run until it is accepted, and follows it to its end. */
async function completed(stack: Stack, { path, body, at }: SmallRun): Promise<void> {
  const key = randomUUID()
  const { id } = await untilOk<Operation>(stack, 'api', path, body(stack), key)
  const { status } = await until(`the end of ${at}/${id}`, async () => {
    const run = await ask<Operation>(stack, 'api', `${at}/${id}`)
    return run && ['accepted', 'running'].includes(run.status) ? undefined : run
  })
  if (status !== 'succeeded') throw new Error(`${at}/${id} is ${status}.`)
}

function untilOk<T>(
  stack: Stack,
  of: 'api' | 'serving',
  path: string,
  body?: unknown,
  key?: string,
): Promise<T> {
  return until(`${of} ${path}`, () => ask<T>(stack, of, path, body, key))
}

/** An answer of 2xx; undefined for every other, and for none. */
async function ask<T>(
  stack: Stack,
  of: 'api' | 'serving',
  path: string,
  body?: unknown,
  key?: string,
): Promise<T | undefined> {
  try {
    const response = await fetch(`${(await stack.endpoints())[of]}${path}`, {
      headers: {
        authorization: `Bearer ${stack.key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      signal: AbortSignal.timeout(5_000),
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    })
    const answer = (await response.json()) as T
    return response.ok ? answer : undefined
  } catch {
    return undefined
  }
}
