// From SIGKILL of the train worker in the middle of a training to the first round that another
// worker reports, against the heartbeat timeout, which is the least that Temporal needs to notice.
import { setTimeout as wait } from 'node:timers/promises'
import type { Training } from '../contracts/rest/trainings.js'
import { TRAINING } from '../examples/bike-sharing/bike.js'
import { median, report, type Row } from './report.js'
import { type Stack, withStack } from './stack.js'

const HEARTBEAT_SECONDS = [5, 10]
const REPEATS = 3
const CHECKPOINT_EVERY = 250

interface Measured {
  readonly seconds: number
  readonly roundsTwice: number
}

const rows: Row[] = []
for (const timeout of HEARTBEAT_SECONDS) {
  process.env['MLFORGE_WORKER_HEARTBEAT_TIMEOUT_SECONDS'] = String(timeout)
  await withStack(async stack => {
    const runs: Measured[] = []
    for (let i = 0; i < REPEATS; i++) runs.push(await killOnce(stack))
    rows.push({
      what: `SIGKILL to resumed training, timeout ${timeout} s`,
      unit: 's',
      ours: median(runs.map(run => run.seconds)),
      peer: timeout,
      peerName: 'heartbeat timeout',
      aim: 'under timeout + 5 s',
      details: { runs },
    })
    rows.push({
      what: `rounds trained twice, timeout ${timeout} s`,
      unit: 'rounds',
      ours: median(runs.map(run => run.roundsTwice)),
      peer: CHECKPOINT_EVERY,
      peerName: 'rounds between checkpoints',
      aim: 'under 1 x',
    })
  })
}
report('resume', rows)

async function killOnce({ rest, endpoints }: Stack): Promise<Measured> {
  const { id } = await rest.post<Training>('/v1/trainings', {
    ...TRAINING,
    checkpointEvery: CHECKPOINT_EVERY,
  })
  const get = () => rest.get<Training>(`/v1/trainings/${id}`)
  const run = await until(get, at => (at.checkpoints[0]?.round ?? 0) >= 2 * CHECKPOINT_EVERY)
  const { pid } = (await endpoints()).processes['worker-train']!
  process.kill(pid, 'SIGKILL')
  const killed = performance.now()
  const lost = roundsSince(run, Date.now())
  await until(get, at => (at.live?.activityAttempt ?? 1) > 1 && at.live?.round !== undefined)
  const seconds = (performance.now() - killed) / 1000
  await until(get, at => at.status === 'succeeded')
  return { seconds, roundsTwice: lost }
}

/** Rounds trained after the newest durable checkpoint, by the pace between the last two. */
function roundsSince({ checkpoints }: Training, now: number): number {
  const [newest, earlier] = checkpoints.map(({ round, createdAt }) => ({ round, at: Date.parse(createdAt) }))
  const pace = (newest!.round - earlier!.round) / (newest!.at - earlier!.at)
  return pace * (now - newest!.at)
}

async function until(get: () => Promise<Training>, holds: (run: Training) => boolean): Promise<Training> {
  for (let end = Date.now() + 180_000; Date.now() < end; await wait(25)) {
    const run = await get()
    if (holds(run)) return run
  }
  throw new Error('The training did not get there within three minutes.')
}
