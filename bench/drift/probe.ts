// Loaded into a worker before its own main (`--import`): says what the process has needed when asked.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { peakResidentBytes } from '../../inference/peak-memory.js'

/** What a worker has needed since it was last asked. */
export interface Needed {
  /** Longest time in which the event loop took no turn, ms. */
  readonly stall: number
  /** Of the process's whole life so far, MiB. */
  readonly peakMemory: number
}

const delay = monitorEventLoopDelay({ resolution: 2 })
delay.enable()
process.on('message', () => {
  const needed: Needed = { stall: delay.max / 1e6, peakMemory: peakResidentBytes() / 2 ** 20 }
  delay.reset()
  process.send!(needed)
})
// The channel alone must not keep a drained worker alive.
process.channel?.unref()
