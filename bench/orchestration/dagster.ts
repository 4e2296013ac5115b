import { execFile, spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { signalGroup } from '../../trainers/process-group.js'
import type { Row } from '../report.js'
import type { Stack } from '../stack.js'
import { virtualenv } from '../virtualenv.js'
import { besideOurs, Notes, scriptOf, STEP_SECONDS } from './three-steps.js'

const SCRIPT = scriptOf('dagster')
const REQUIREMENTS = ['dagster==1.13.29']
/** Dagster is given so long to see that its run is dead. */
const NOTICE_MS = 60_000

/** The same three steps, the same kill in the second: who notices, how soon it goes on, what is done twice. */
export async function besideDagster(stack: Stack): Promise<Row[]> {
  const measured = await besideOurs(stack, killedThere)
  const { ours, theirs } = measured
  const row = { unit: 's', details: { ...measured, noticeSeconds: NOTICE_MS / 1000 } }
  return [
    {
      ...row,
      what: 'SIGKILL in the second of three steps, to its next try',
      ours: ours.resumed,
      peer: theirs.noticed ?? NOTICE_MS / 1000,
      peerName: theirs.noticed === null ? 'Dagster, which has not noticed until then' : 'Dagster notices',
      aim: 'below 1 x',
    },
    {
      ...row,
      what: 'work done twice, of three steps',
      ours: ours.repeated,
      peer: theirs.repeated,
      peerName: 'Dagster, gone on by hand from what a person has marked as failed',
      aim: 'at most 1 x',
    },
  ]
}

async function killedThere(directory: string) {
  const python = await virtualenv('dagster', REQUIREMENTS)
  const notes = new Notes(join(directory, 'theirs'))
  const home = join(directory, 'dagster')
  await mkdir(home)
  const env = {
    ...process.env,
    DAGSTER_HOME: home,
    NOTES: notes.file,
    SECONDS: String(STEP_SECONDS),
    PYTHONDONTWRITEBYTECODE: '1',
  }
  const child = spawn(python, [SCRIPT, 'run'], { env, detached: true, stdio: 'ignore' })
  try {
    await notes.untilInTheSecond()
  } finally {
    signalGroup(child, 'SIGKILL')
  }
  const killed = Date.now()
  const status = async () => (await promisify(execFile)(python, [SCRIPT, 'status'], { env })).stdout.trim()
  let noticed: number | null = null
  while (noticed === null && Date.now() - killed < NOTICE_MS) {
    if ((await status()) === 'STARTED') await wait(1_000)
    else noticed = (Date.now() - killed) / 1000
  }
  const asked = Date.now()
  await promisify(execFile)(python, [SCRIPT, 'go-on'], { env })
  const resumed = ((await notes.until('begin two', 2)) - asked) / 1000
  await notes.until('end three', 1)
  return { noticed, resumedByHand: resumed, repeated: await notes.repeated() }
}
