import { readFileSync, readdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** Identifies a process beyond its pid, which the kernel gives again to others. */
export interface ProcessIdentity {
  readonly pid: number
  /** Field 22 of /proc/<pid>/stat: clock ticks since boot. It does not change at exec. */
  readonly startTime: number
  readonly bootId: string
}

interface Stat {
  readonly state: string
  readonly group: number
  readonly startTime: number
  /** It has ended but for what the kernel does about it, and has no environment any more. */
  readonly isExiting: boolean
}

/** Of field 9 of /proc/<pid>/stat (PF_EXITING of include/linux/sched.h). */
const EXITING = 0x4

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}

/** Undefined when there is no such process; a zombie counts as gone. */
function stat(pid: number): Stat | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  // The second field is the name in parentheses, which may itself hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const state = fields[0] ?? 'X'
  if (state === 'Z' || state === 'X') return undefined
  const isExiting = (Number(fields[6]) & EXITING) !== 0
  return { state, group: Number(fields[2]), startTime: Number(fields[19]), isExiting }
}

/** Who the process with this pid is now, or undefined when there is none. */
export function identify(pid: number): ProcessIdentity | undefined {
  const found = stat(pid)
  return found && { pid, startTime: found.startTime, bootId: bootId() }
}

/** True when the process that was recorded still runs, and not another one that got its pid. */
export function isAlive(identity: ProcessIdentity): boolean {
  return stat(identity.pid)?.startTime === identity.startTime && bootId() === identity.bootId
}

/** Name of the variable by which what a stack started can be told from what it did not. */
export const MARKER = 'MLFORGE_STATE_DIRECTORY'

/**
 * Members of the recorded process's group. Where the leader is gone, only those that carry our
 * marker count, or have just ended: a group id is free again once its last member is gone.
 */
export function groupMembers(identity: ProcessIdentity, stateDirectory: string): number[] {
  if (bootId() !== identity.bootId) return []
  const leader = stat(identity.pid)
  if (leader !== undefined && leader.startTime !== identity.startTime) return []
  return allPids().filter(pid => {
    const member = stat(pid)
    if (member?.group !== identity.pid) return false
    return (
      leader !== undefined || member.isExiting || environmentOf(pid).includes(`${MARKER}=${stateDirectory}`)
    )
  })
}

export function allPids(): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  } catch {
    return []
  }
}

/** Sends a signal to every member of the group; groups of others are never touched. */
function signalGroup(identity: ProcessIdentity, stateDirectory: string, signal: NodeJS.Signals): void {
  for (const pid of groupMembers(identity, stateDirectory)) {
    try {
      process.kill(pid, signal)
    } catch {
      // Ended in the meantime.
    }
  }
}

/**
 * Stops a recorded process and its whole group: `signal`, then SIGKILL after the deadline.
 *
 * @returns how it ended: it was not running, it stopped when asked, or it had to be killed.
 */
export async function stopGroup(
  identity: ProcessIdentity,
  stateDirectory: string,
  signal: NodeJS.Signals,
  deadlineMs: number,
): Promise<'gone' | 'stopped' | 'killed'> {
  const isGone = () => groupMembers(identity, stateDirectory).length === 0
  if (isGone()) return 'gone'
  signalGroup(identity, stateDirectory, signal)
  if (await until(isGone, deadlineMs)) return 'stopped'
  signalGroup(identity, stateDirectory, 'SIGKILL')
  await until(isGone, 10_000)
  return 'killed'
}

/** Waits until the condition holds; false when the deadline passed before. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  deadlineMs: number,
  everyMs = 20,
): Promise<boolean> {
  const end = Date.now() + deadlineMs
  for (;;) {
    if (await condition()) return true
    if (Date.now() >= end) return false
    await delay(everyMs)
  }
}
