import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import koffi from 'koffi'
import { until } from './proc.js'

const LOCK_EX = 2
const LOCK_NB = 4

export interface Lock {
  release(): void
}

/**
 * One holder at a time may start, stop or supervise the processes of a state directory. The kernel
 * keeps the lock (flock(2)), so it is free the moment its holder dies, however that happens.
 */
export function tryLock(stateDirectory: string): Lock | undefined {
  mkdirSync(stateDirectory, { recursive: true, mode: 0o755 })
  const flock = koffi.load('libc.so.6').func('int flock(int fd, int operation)')
  // Node opens files with O_CLOEXEC: children do not inherit the lock.
  const file = openSync(join(stateDirectory, 'lock'), 'a', 0o600)
  if (flock(file, LOCK_EX | LOCK_NB) !== 0) {
    closeSync(file)
    return undefined
  }
  return { release: () => closeSync(file) }
}

/** Waits for the lock; undefined when another process still holds it after the deadline. */
export async function lockWithin(stateDirectory: string, deadlineMs: number): Promise<Lock | undefined> {
  let lock: Lock | undefined
  await until(() => (lock = tryLock(stateDirectory)) !== undefined, deadlineMs, 50)
  return lock
}
