import { join } from 'node:path'
import type { Row } from '../report.js'
import type { Stack } from '../stack.js'
import { HEARTBEAT_SECONDS, Prefect } from './prefect-server.js'
import { besideOurs, Notes, secondsUntilNoticed } from './three-steps.js'

/** Prefect is given so long to see that its run is dead: its documentation waits 90 s for a heartbeat. */
const NOTICE_MS = 150_000

/** In this order: what is automated stays so. Of ours it is always the worker that is killed, with its step. */
const CASES = [
  {
    killed: 'the process of a run',
    automated: false,
    how: 'its runner notices, a person says retry at once',
    aim: 'none: a runner outlived it',
  },
  {
    killed: 'the process of a run',
    automated: true,
    how: 'its runner notices, an automation says retry',
    aim: 'none: a runner outlived it',
  },
  {
    killed: 'a worker with its run',
    automated: true,
    how: `90 s without a heartbeat each ${HEARTBEAT_SECONDS} s, then that automation`,
    aim: 'below 1 x',
  },
] as const

type Case = (typeof CASES)[number]

/** The same three steps and the same kill: as Prefect is, and with what its documentation has against dead runs. */
export async function besidePrefect(stack: Stack): Promise<Row[]> {
  const { ours, theirs, ...of } = await besideOurs(stack, directory =>
    Prefect.with(directory, async prefect => {
      const all = []
      for (const each of CASES) all.push({ ...each, ...(await killedThere(prefect, directory, each)) })
      return all
    }),
  )
  const about = { unit: 's', details: { ours, ...of, noticeSeconds: NOTICE_MS / 1000 } }
  return [
    ...theirs.map(({ killed, how, aim, ...measured }) => ({
      ...about,
      what: `SIGKILL of ${killed} in the second of three steps, to its next try`,
      ours: ours.resumed,
      peer: measured.resumed,
      peerName: `Prefect: ${measured.noticed === null ? 'has not noticed, a person says crashed' : how}`,
      aim,
      details: { ...about.details, theirs: measured },
    })),
    {
      ...about,
      what: 'work done twice, of three steps',
      ours: ours.repeated,
      peer: Math.max(...theirs.map(({ repeated }) => repeated)),
      peerName: 'Prefect with kept results, the most of the three',
      aim: 'at most 1 x',
      details: { ...about.details, theirs: theirs.map(({ repeated }) => repeated) },
    },
  ]
}

async function killedThere(prefect: Prefect, directory: string, { killed: victim, automated }: Case) {
  const notes = new Notes(join(directory, `${victim}, ${automated ? 'automated' : 'by hand'}`))
  if (automated) await prefect.automate()
  const run = await prefect.start(notes)
  await notes.untilInTheSecond()
  const killed = Date.now()
  if (victim === 'the process of a run') process.kill(await notes.processOfTheSecond(), 'SIGKILL')
  else {
    prefect.killRunner()
    await prefect.serve()
  }
  const works = async () => (await prefect.stateOf(run)) === 'RUNNING'
  const noticed = await secondsUntilNoticed(works, { killed, mostMs: NOTICE_MS, lookMs: 100 })
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
