import { execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { PipelineRun } from '../../contracts/rest/pipeline-runs.js'
import type { Row } from '../report.js'
import type { Stack } from '../stack.js'
import { virtualenv } from '../virtualenv.js'

// The script lies beside the source, compiled code in dist/.
const SCRIPT = fileURLToPath(new URL('../../../bench/orchestration/three_steps.py', import.meta.url))
const REQUIREMENTS = ['dagster==1.13.29']
const SECONDS = 5
/** Into the second step. */
const KILL_AFTER_MS = 2_000
/** Dagster is given so long to see that its run is dead. */
const NOTICE_MS = 60_000
const MOST_MS = 120_000

/** What is written down by steps: `begin two 1795913243.7`. */
class Notes {
  constructor(readonly file: string) {}

  /** Times at which something was noted, in milliseconds. */
  async of(what: string): Promise<number[]> {
    const text = await readFile(this.file, 'utf8').catch(() => '')
    const lines = text.split('\n').filter(line => line.startsWith(`${what} `))
    return lines.map(line => Number(line.split(' ')[2]) * 1000)
  }

  async until(what: string, times: number): Promise<number> {
    for (const end = Date.now() + MOST_MS; Date.now() < end; await wait(50)) {
      const found = await this.of(what)
      if (found.length >= times) return found[times - 1]!
    }
    throw new Error(`"${what}" was not noted ${times} times within ${MOST_MS / 1000} s.`)
  }
}

/** The same three steps, the same kill in the second: who notices, how soon it goes on, what is done twice. */
export async function besideDagster(stack: Stack): Promise<Row[]> {
  const directory = await mkdtemp(join(tmpdir(), 'mlforge-three-steps-'))
  try {
    const ours = await killedHere(stack, new Notes(join(directory, 'ours')))
    const theirs = await killedThere(directory, new Notes(join(directory, 'theirs')))
    const details = { ours, theirs, noticeSeconds: NOTICE_MS / 1000, stepSeconds: SECONDS }
    const row = { unit: 's', details }
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
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function killedHere(stack: Stack, notes: Notes) {
  const script = (step: string, needs?: string) => {
    const note = (what: string) => `echo ${what} ${step} $(date +%s.%N) >> ${notes.file}`
    const command = ['sh', '-c', `${note('begin')}; sleep ${SECONDS}; ${note('end')}`]
    return { uses: 'script', with: { command }, ...(needs === undefined ? {} : { needs }) }
  }
  const steps = { one: script('one'), two: script('two', 'one'), three: script('three', 'two') }
  await stack.rest.post('/v1/pipelines', { pipelines: { 'three-steps': { steps } } })
  const { id } = await stack.rest.post<PipelineRun>('/v1/pipelines/three-steps/runs')
  await notes.until('begin two', 1)
  await wait(KILL_AFTER_MS)
  const killed = Date.now()
  process.kill((await stack.endpoints()).processes['worker-train']!.pid, 'SIGKILL')
  const resumed = ((await notes.until('begin two', 2)) - killed) / 1000
  const run = await stack.rest.follow<PipelineRun>(`/v1/pipeline-runs/${id}`)
  if (run.status !== 'succeeded') throw new Error(`Run ${id} has ${run.status}.`)
  return { resumed, repeated: await repeated(notes) }
}

async function killedThere(directory: string, notes: Notes) {
  const python = await virtualenv('dagster', REQUIREMENTS)
  const home = join(directory, 'dagster')
  await mkdir(home)
  const env = { ...process.env, DAGSTER_HOME: home, NOTES: notes.file, SECONDS: String(SECONDS) }
  const child = spawn(python, [SCRIPT, 'run'], { env, detached: true, stdio: 'ignore' })
  await notes.until('begin two', 1)
  await wait(KILL_AFTER_MS)
  const killed = Date.now()
  process.kill(-child.pid!, 'SIGKILL')
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
  return { noticed, resumedByHand: resumed, repeated: await repeated(notes) }
}

/** Seconds of steps that were done more than once; those that were broken off count until then. */
async function repeated(notes: Notes): Promise<number> {
  let seconds = 0
  for (const step of ['one', 'two', 'three']) {
    const times = (await notes.of(`begin ${step}`)).length
    seconds += (times - 1) * (step === 'two' ? KILL_AFTER_MS / 1000 : SECONDS)
  }
  return seconds
}
