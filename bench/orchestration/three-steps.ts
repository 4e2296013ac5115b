import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { PipelineRun } from '../../contracts/rest/pipeline-runs.js'
import type { Stack } from '../stack.js'

export const STEP_SECONDS = 5
/** Into the second step. */
const KILL_AFTER_MS = 2_000
const MOST_MS = 120_000

/** A Python script beside the source; compiled code is in dist/. */
export const scriptOf = (peer: string): string =>
  fileURLToPath(new URL(`../../../bench/orchestration/${peer}_steps.py`, import.meta.url))

/** What is written down by steps: `begin two 1795913243.7`, and the process of a step in Python. */
export class Notes {
  constructor(readonly file: string) {}

  /** Waits until the second step is at the point of the kill. */
  async untilInTheSecond(): Promise<void> {
    await this.until('begin two', 1)
    await wait(KILL_AFTER_MS)
  }

  /** The process that works on the second step, where steps are in Python. */
  async processOfTheSecond(): Promise<number> {
    return Number((await this.#fields('begin two')).at(-1)![3])
  }

  /** Waits until something was noted so many times. @returns when it was, in milliseconds */
  async until(what: string, times: number): Promise<number> {
    for (const end = Date.now() + MOST_MS; Date.now() < end; await wait(50)) {
      const found = await this.#fields(what)
      if (found.length >= times) return Number(found[times - 1]![2]) * 1000
    }
    throw new Error(`"${what}" was not noted ${times} times within ${MOST_MS / 1000} s.`)
  }

  /** Seconds of steps that were done more than once; those that were broken off count until then. */
  async repeated(): Promise<number> {
    let seconds = 0
    for (const step of ['one', 'two', 'three']) {
      const times = (await this.#fields(`begin ${step}`)).length
      seconds += (times - 1) * (step === 'two' ? KILL_AFTER_MS / 1000 : STEP_SECONDS)
    }
    return seconds
  }

  async #fields(what: string): Promise<string[][]> {
    const text = await readFile(this.file, 'utf8').catch(() => '')
    const lines = text.split('\n').filter(line => line.startsWith(`${what} `))
    return lines.map(line => line.split(' '))
  }
}

/** Seconds from a kill until a peer no longer says that its run works; null where it says so for too long. */
export async function secondsUntilNoticed(
  works: () => Promise<boolean>,
  { killed, mostMs, lookMs }: { readonly killed: number; readonly mostMs: number; readonly lookMs: number },
): Promise<number | null> {
  for (; Date.now() - killed < mostMs; await wait(lookMs)) {
    if (!(await works())) return (Date.now() - killed) / 1000
  }
  return null
}

interface Killed {
  /** Seconds from the kill to the next try of the second step. */
  readonly resumed: number
  readonly repeated: number
}

/** Three steps here, of which the second is killed, and then whatever is measured of a peer, in a directory of its own. */
export async function besideOurs<T>(
  stack: Stack,
  measure: (directory: string) => Promise<T>,
): Promise<{ readonly ours: Killed; readonly theirs: T; readonly stepSeconds: number }> {
  const directory = await mkdtemp(join(tmpdir(), 'mlforge-three-steps-'))
  try {
    const ours = await killedHere(stack, new Notes(join(directory, 'ours')))
    return { ours, theirs: await measure(directory), stepSeconds: STEP_SECONDS }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function killedHere(stack: Stack, notes: Notes): Promise<Killed> {
  const script = (step: string, needs?: string) => {
    const note = (what: string) => `echo ${what} ${step} $(date +%s.%N) >> ${notes.file}`
    const command = ['sh', '-c', `${note('begin')}; sleep ${STEP_SECONDS}; ${note('end')}`]
    return { uses: 'script', with: { command }, ...(needs === undefined ? {} : { needs }) }
  }
  const steps = { one: script('one'), two: script('two', 'one'), three: script('three', 'two') }
  await stack.rest.post('/v1/pipelines', { pipelines: { 'three-steps': { steps } } })
  const { id } = await stack.rest.post<PipelineRun>('/v1/pipelines/three-steps/runs')
  await notes.untilInTheSecond()
  const killed = Date.now()
  process.kill((await stack.endpoints()).processes['worker-train']!.pid, 'SIGKILL')
  const resumed = ((await notes.until('begin two', 2)) - killed) / 1000
  const run = await stack.rest.follow<PipelineRun>(`/v1/pipeline-runs/${id}`)
  if (run.status !== 'succeeded') throw new Error(`Run ${id} has ${run.status}.`)
  return { resumed, repeated: await notes.repeated() }
}
