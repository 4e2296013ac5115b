import { setTimeout as wait } from 'node:timers/promises'
import { readState } from '../../infra/launcher/state.js'
import { mlforge } from '../../test/support/servers.js'
import { median, type Row } from '../report.js'
import type { Stack } from '../stack.js'
import { type Peer, timed } from './peer.js'
import type { Runs } from './runs.js'

const STEPS = 60
const KILL_AFTER = 10
const MOST_MS = 60_000
const ROUNDS = 3
const WORKERS = ['worker-io', 'worker-workflows'] as const

/** From SIGKILL in the middle of a run to the next step in the ledger. */
export async function resumeAfterKill(stack: Stack, runs: Runs, peer: Peer): Promise<Row[]> {
  const name = await runs.apply({ steps: STEPS, parallel: 1, chained: true })
  const killed = new Map<string, number[]>(WORKERS.map(victim => [victim, []]))
  const undisturbed: number[] = []
  const whole: { readonly seconds: number; readonly up: number }[] = []
  for (let round = 0; round < ROUNDS; round++) {
    undisturbed.push(await untilNextStep(runs, peer, name, () => Promise.resolve()))
    for (const victim of WORKERS) {
      const seconds = await untilNextStep(runs, peer, name, async () => {
        process.kill((await stack.endpoints()).processes[victim]!.pid, 'SIGKILL')
      })
      killed.get(victim)!.push(seconds)
    }
    let up = 0
    const seconds = await untilNextStep(runs, peer, name, async () => {
      killAll(stack)
      up = (await timed(() => mlforge(stack.directory, ['up']))) / 1000
    })
    whole.push({ seconds, up })
  }
  return [
    ...WORKERS.map((victim): Row => ({
      what: `SIGKILL of ${victim} to the next step`,
      unit: 's',
      ours: median(killed.get(victim)!),
      peer: median(undisturbed),
      peerName: 'nobody killed',
      aim: 'under 15 s',
      details: { killed: killed.get(victim), undisturbed },
    })),
    {
      what: 'SIGKILL of the whole stack to the next step, with mlforge up',
      unit: 's',
      ours: median(whole.map(each => each.seconds)),
      peer: median(whole.map(each => each.up)),
      peerName: 'mlforge up alone',
      aim: 'under up + 15 s',
      details: { rounds: whole },
    },
  ]
}

/** Kills in the middle of a run. @returns seconds from then to the next step; the run must end well */
async function untilNextStep(
  runs: Runs,
  peer: Peer,
  name: string,
  strike: () => Promise<void>,
): Promise<number> {
  const run = await runs.start(name)
  await until(async () => ((await runs.finished(run.id)) ?? 0) >= KILL_AFTER)
  const before = performance.now()
  await strike()
  const done = await runs.finished(run.id)
  await until(async () => ((await runs.finished(run.id)) ?? 0) > (done ?? STEPS))
  const seconds = (performance.now() - before) / 1000
  const result: unknown = await peer.client.workflow.getHandle(run.workflow.workflowId).result()
  if ((result as { outcome: string }).outcome !== 'succeeded')
    throw new Error(`Run ${run.id} did not succeed.`)
  return seconds
}

/** The supervisor first: it would start the others again. */
function killAll({ directory }: Stack): void {
  const { supervisor, children } = readState(directory)
  for (const { pid } of [supervisor!, ...Object.values(children)]) process.kill(pid, 'SIGKILL')
}

async function until(look: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + MOST_MS; Date.now() < end; await wait(10)) if (await look()) return
  throw new Error(`It did not come within ${MOST_MS / 1000} s.`)
}
