import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { uuidv7 } from '../../stores/ids.js'
import { codeState } from '../../sdk/git.js'
import type { Rest } from '../../sdk/rest.js'

/** What the stack says of itself in endpoints.json. */
export interface Endpoints {
  readonly api: string
  readonly serving: string
  readonly temporalUi: string
  readonly namespace: string
  readonly objects: string
  readonly keyFile: string
  readonly processes: Readonly<Record<string, { readonly pid: number }>>
}

/** One telling of the demo: killed and told again it goes on, since its requests have the same keys. */
export interface Story {
  readonly rest: Rest
  /** The data plane: predictions are asked for there. */
  readonly serving: Rest
  readonly session: string
  /** Where the code stands that tells it; null outside of a repository. */
  readonly code: Session['code']
  endpoints(): Promise<Endpoints>
  readonly summary: [string, string][]
  /** Processes that it has killed. */
  readonly kills: string[]
}

export async function readEndpoints(stateDirectory: string): Promise<Endpoints> {
  return JSON.parse(await readFile(join(stateDirectory, 'endpoints.json'), 'utf8')) as Endpoints
}

/** What all requests of one telling have in common. */
export interface Session {
  readonly id: string
  readonly code: Awaited<ReturnType<typeof codeState>>
}

/** The telling under way, or a new one when the last came to its end. */
export async function openSession(stateDirectory: string): Promise<Session & { continued: boolean }> {
  const file = sessionFile(stateDirectory)
  const known = await readFile(file, 'utf8').catch(() => '')
  // Tellings of earlier releases have their id alone.
  const session = known.startsWith('{') ? (JSON.parse(known) as Session) : { id: known, code: null }
  if (known) return { ...session, continued: true }
  const begun = { id: uuidv7(), code: await codeState(process.cwd()) }
  await saveSession(stateDirectory, JSON.stringify(begun))
  return { ...begun, continued: false }
}

export async function closeSession(stateDirectory: string): Promise<void> {
  await saveSession(stateDirectory, '')
}

function sessionFile(stateDirectory: string): string {
  return join(stateDirectory, 'demo', 'session')
}

async function saveSession(stateDirectory: string, session: string): Promise<void> {
  const file = sessionFile(stateDirectory)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.new`, session)
  await rename(`${file}.new`, file)
}

export function chapter(title: string): void {
  process.stdout.write(`\n== ${title}\n`)
}

export function say(text: string): void {
  process.stdout.write(`   ${text}\n`)
}

/** Prints a line only when it differs from the one before: progress without a terminal. */
export function sayChanges(): (text: string) => void {
  let last = ''
  return text => {
    if (text !== last) say(text)
    last = text
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/**
 * SIGKILL for a process of the stack; nothing of the story may change by it. False when it is gone already,
 * as after an earlier telling: the supervisor is starting another.
 */
export async function kill(story: Story, name: string): Promise<boolean> {
  const { pid } = (await story.endpoints()).processes[name]!
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
  story.kills.push(name)
  say(`  kill -9 ${pid}: ${name} is gone; the supervisor starts another.`)
  return true
}

/** Asks until the answer is as it should be, or the time is over. */
export async function until<T>(
  ask: () => Promise<T>,
  holds: (answer: T) => boolean,
  what: string,
  withinMs = 60_000,
): Promise<T> {
  for (const end = Date.now() + withinMs; ; await wait(250)) {
    const answer = await ask()
    if (holds(answer)) return answer
    expectThat(Date.now() < end, `${what} within ${withinMs / 1000} s`)
  }
}

export function expectThat(holds: boolean, what: string): void {
  if (!holds)
    throw new Error(`The demo expected that ${what}. That is a bug: please report it with .mlforge/logs.`)
}

export function table(rows: readonly [string, string][]): void {
  const width = Math.max(...rows.map(([name]) => name.length))
  for (const [name, value] of rows) process.stdout.write(`   ${name.padEnd(width)}  ${value}\n`)
}
