import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { down } from '../../../infra/launcher/down.js'
import { removePostgresData } from '../../../infra/launcher/postgres.js'
import { groupMembers, identify, until } from '../../../infra/launcher/proc.js'
import { readState, type ChildRecord } from '../../../infra/launcher/state.js'
import { up } from '../../../infra/launcher/up.js'
import { testPlan, type TestStack } from './plan.js'

const supervisor = fileURLToPath(new URL('./supervisor.js', import.meta.url))
const directories: string[] = []

export function temporaryState(): string {
  const directory = mkdtempSync(join(tmpdir(), 'mlforge-launcher-'))
  directories.push(directory)
  return join(directory, '.mlforge')
}

/** For afterEach: nothing of a test goes on, however it ended. */
export async function removeStacks(): Promise<void> {
  for (const directory of directories.splice(0)) {
    await down(join(directory, '.mlforge'), () => undefined)
    await removePostgresData(join(directory, '.mlforge'))
    rmSync(directory, { recursive: true, force: true })
  }
}

export function start(stack: TestStack, lines: string[] = []): Promise<void> {
  return up({
    stateDirectory: stack.stateDirectory,
    supervisor: [process.execPath, '--enable-source-maps', supervisor, JSON.stringify(stack)],
    fingerprint: testPlan(stack).fingerprint,
    progress: line => lines.push(line),
    deadlineMs: 120_000,
  })
}

export function child(stateDirectory: string, name: string): ChildRecord {
  const record = readState(stateDirectory).children[name]
  if (record === undefined) throw new Error(`${name} is not recorded`)
  return record
}

export const pids = (stateDirectory: string): number[] =>
  Object.values(readState(stateDirectory).children).map(({ pid }) => pid)

/** Every process of the recorded groups. */
export const members = (stateDirectory: string): number[] =>
  Object.values(readState(stateDirectory).children).flatMap(record => groupMembers(record, stateDirectory))

export const supervisorPid = (stateDirectory: string): number =>
  readState(stateDirectory).supervisor?.pid ?? 0

/** Of these, the ones that still run (a zombie does not). */
export const running = (list: readonly number[]): number[] => list.filter(pid => identify(pid) !== undefined)

export async function eventually(
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 120_000,
): Promise<void> {
  if (!(await until(condition, deadlineMs))) throw new Error(`did not come true within ${deadlineMs} ms`)
}
