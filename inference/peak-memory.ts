import { readFileSync } from 'node:fs'

/**
 * Most bytes that a process has had resident at a time (proc(5), VmHWM). Not `ru_maxrss`: that of a child begins
 * with what its parent had when it was started.
 * @throws where there is no such process
 */
export function peakResidentBytes(pid: number | 'self' = 'self'): number {
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  // One that has just ended has no memory any more.
  return Number(kibibytes ?? 0) * 1024
}
