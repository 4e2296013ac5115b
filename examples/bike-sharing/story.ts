import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { uuidv7 } from '../../stores/ids.js'
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
  endpoints(): Promise<Endpoints>
  readonly summary: [string, string][]
  /** Processes that it has killed. */
  readonly kills: string[]
}

export async function readEndpoints(stateDirectory: string): Promise<Endpoints> {
  return JSON.parse(await readFile(join(stateDirectory, 'endpoints.json'), 'utf8')) as Endpoints
}

/** Id of the telling under way, or of a new one when the last came to its end. */
export async function openSession(stateDirectory: string): Promise<{ id: string; continued: boolean }> {
  const file = sessionFile(stateDirectory)
  const known = await readFile(file, 'utf8').catch(() => '')
  if (known) return { id: known, continued: true }
  const id = uuidv7()
  await saveSession(stateDirectory, id)
  return { id, continued: false }
}

export async function closeSession(stateDirectory: string): Promise<void> {
  await saveSession(stateDirectory, '')
}

function sessionFile(stateDirectory: string): string {
  return join(stateDirectory, 'demo', 'session')
}

async function saveSession(stateDirectory: string, id: string): Promise<void> {
  const file = sessionFile(stateDirectory)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.new`, id)
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
