import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Row } from '../report.js'
import type { Stack } from '../stack.js'
import { HEARTBEAT_SECONDS, Prefect } from './prefect-server.js'
import { besideOurs, Notes } from './three-steps.js'

/** Prefect is given so long to see that its run is dead: its documentation waits 90 s for a heartbeat. */
const NOTICE_MS = 150_000

/** In this order: what is automated stays so. */
const CASES = [
  {
    killed: 'the process of a run',
    automated: false,
    how: 'its runner notices, a person says retry at once',
  },
  { killed: 'the process of a run', automated: true, how: 'its runner notices, an automation says retry' },
  {
    killed: 'what executes runs',
    automated: true,
    how: `90 s without a heartbeat each ${HEARTBEAT_SECONDS} s, then that automation`,
  },
] as const

type Case = (typeof CASES)[number]

/** The same three steps and the same kill: as Prefect is, and with what its documentation has against dead runs. */
export async function besidePrefect(stack: Stack): Promise<Row[]> {
  const measured = await besideOurs(stack, directory =>
    Prefect.with(directory, async prefect => {
      const all = []
      for (const each of CASES) all.push({ ...each, ...(await killedThere(prefect, directory, each)) })
      return all
    }),
  )
  const { ours, theirs } = measured
  const row = { unit: 's', details: { ...measured, noticeSeconds: NOTICE_MS / 1000 } }
  return [
    ...theirs.map(({ killed, how, resumed, noticed }) => ({
      ...row,
      what: `SIGKILL of ${killed} in the second of three steps, to its next try`,
      ours: ours.resumed,
      peer: resumed,
      peerName:
        noticed === null ? 'Prefect, which has not noticed: a person says crashed' : `Prefect: ${how}`,
      aim: 'at most 1 x',
    })),
    {
      ...row,
      what: 'work done twice, of three steps with kept results',
      ours: ours.repeated,
      peer: Math.max(...theirs.map(({ repeated }) => repeated)),
      peerName: 'Prefect, the most of its three',
      aim: 'at most 1 x',
    },
  ]
}

async function killedThere(prefect: Prefect, directory: string, { killed: victim, automated }: Case) {
  const notes = new Notes(join(directory, `${victim}, ${automated ? 'automated' : 'by hand'}`))
  if (automated) await prefect.automate()
  const run = await prefect.start(notes)
  await notes.untilInTheSecond()
  const killed = Date.now()
  const since = (from: number) => (Date.now() - from) / 1000
  if (victim === 'the process of a run') process.kill(await notes.processOfTheSecond(), 'SIGKILL')
  else {
    prefect.killRunner()
    await prefect.serve()
  }
  let noticed: number | null = null
  while (noticed === null && Date.now() - killed < NOTICE_MS) {
    if ((await prefect.stateOf(run)) === 'RUNNING') await wait(100)
    else noticed = since(killed)
  }
  const asked = Date.now()
  if (noticed === null) await prefect.markCrashed(run)
  if (!automated) await prefect.retry(run)
  const next = await notes.until('begin two', 2)
  await notes.until('end three', 1)
  return {
    noticed,
    resumed: (next - killed) / 1000,
    sinceNoticed: (next - asked) / 1000,
    repeated: await notes.repeated(),
  }
}
