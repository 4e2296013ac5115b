import { execFile, spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { signalGroup } from '../../trainers/process-group.js'
import type { Row } from '../report.js'
import type { Stack } from '../stack.js'
import { virtualenv } from '../virtualenv.js'
import { besideOurs, Notes, scriptOf, STEP_SECONDS, secondsUntilNoticed } from './three-steps.js'

/** A peer is given so long to see that its run is dead. */
const NOTICE_MS = 60_000

/** A peer that runs the steps from a shell, and that a person tells to go on. */
export interface PeerByHand {
  readonly name: string
  readonly requirements: readonly string[]
  /** Settings of its own, with all that it keeps in a directory. */
  readonly env: (home: string) => Readonly<Record<string, string>>
  /** Its `status` of a run that works. */
  readonly working: string
  readonly goOn: string
  /** What a person does, in words. */
  readonly how: string
}

/** The same three steps, the same kill in the second: who notices, how soon it goes on, what is done twice. */
export async function besideByHand(stack: Stack, peer: PeerByHand): Promise<Row[]> {
  const { name, how } = peer
  const measured = await besideOurs(stack, directory => killedThere(peer, directory))
  const { ours, theirs } = measured
  const row = { unit: 's', details: { ...measured, noticeSeconds: NOTICE_MS / 1000 } }
  return [
    {
      ...row,
      what: 'SIGKILL in the second of three steps, to its next try',
      ours: ours.resumed,
      peer: theirs.noticed ?? NOTICE_MS / 1000,
      peerName: theirs.noticed === null ? `${name}, which has not noticed until then` : `${name} notices`,
      aim: 'below 1 x',
    },
    {
      ...row,
      what: 'work done twice, of three steps',
      ours: ours.repeated,
      peer: theirs.repeated,
      peerName: `${name}, ${how}`,
      aim: 'at most 1 x',
    },
  ]
}

async function killedThere({ name, requirements, env, working, goOn }: PeerByHand, directory: string) {
  const peer = name.toLowerCase()
  const python = await virtualenv(peer, requirements)
  const notes = new Notes(join(directory, 'theirs'))
  const home = join(directory, peer)
  await mkdir(home)
  const own = { NOTES: notes.file, SECONDS: String(STEP_SECONDS), PYTHONDONTWRITEBYTECODE: '1' }
  const options = { env: { ...process.env, ...own, ...env(home) } }
  const say = (verb: string) => promisify(execFile)(python, [scriptOf(peer), verb], options)
  const child = spawn(python, [scriptOf(peer), 'run'], { ...options, detached: true, stdio: 'ignore' })
  try {
    await notes.untilInTheSecond()
  } finally {
    signalGroup(child, 'SIGKILL')
  }
  const killed = Date.now()
  const works = async () => (await say('status')).stdout.trim() === working
  const noticed = await secondsUntilNoticed(works, { killed, mostMs: NOTICE_MS, lookMs: 1_000 })
  const asked = Date.now()
  await say(goOn)
  const resumedByHand = ((await notes.until('begin two', 2)) - asked) / 1000
  await notes.until('end three', 1)
  return { noticed, resumedByHand, repeated: await notes.repeated() }
}
