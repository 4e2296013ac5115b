/** So many labels at a time are looked for in all files; those that came at one moment stay together. */
export const SWEEP_LABELS = 100_000

/** A sweep that reads for no longer than this costs next to nothing: the interval of the schedule is rest enough. */
const FREE_MS = 1_000
/** Reading takes one part in so many of the time at most. */
const DUTY = 20
/** So often within the hold time a sweep may begin, whatever it costs: no label waits long past its time. */
const SWEEPS_A_HOLD = 8

/**
 * Seconds from the end of a sweep through all files to the begin of the next, so that a trickle of labels
 * without predictions does not keep a worker reading for ever. A full sweep was worth it, and more wait.
 * @param spentMs how long the sweep has read
 * @param labels how many it has looked for
 */
export function sweepRest(spentMs: number, labels: number, holdSeconds: number): number {
  if (spentMs <= FREE_MS || labels >= SWEEP_LABELS) return 0
  return Math.min((spentMs / 1_000) * (DUTY - 1), holdSeconds / SWEEPS_A_HOLD)
}
