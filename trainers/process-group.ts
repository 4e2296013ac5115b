import type { ChildProcess } from 'node:child_process'

/** Signals the group that a detached child leads; one that is gone is no error. */
export function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // The group is gone already.
  }
}
