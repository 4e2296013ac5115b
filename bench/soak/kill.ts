import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ALL_PAIRS, POINT_TITLES, type Pair } from '../../test/kill/points.js'
import { KillBench } from '../../test/kill/kill-bench.js'
import { KillStack } from '../../test/kill/stack.js'
import type { SoakArguments } from '../soak.js'
import { KillResults, type KillResult } from './kill-results.js'

/** So many kills on one stack, each checked, before the next stack is started. */
const PAIRS_PER_STACK = 18
const MOST_DELAY_MS = 300

/** Every process at every point; then, for each seed, all of them again with a random delay before the kill. */
export async function soakKill({ seeds, only }: SoakArguments): Promise<boolean> {
  const results = KillResults.open()
  const work = Array.from({ length: seeds + 1 }, (_, seed) =>
    ALL_PAIRS.map((pair, index) => ({ pair, seed, delayMs: seed === 0 ? 0 : delayOf(seed, index) })),
  )
    .flat()
    .filter(({ pair }) => only.length === 0 || only.some(text => nameOf(pair).includes(text)))
  const left = work.filter(({ pair, seed }) => !results.has(pair, seed))
  console.log(`${work.length} kills, ${work.length - left.length} of them known from before for this tree`)

  let bench: KillBench | undefined
  let isStopped = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      isStopped = true
      console.log(`\n${signal}: stopping the stack`)
      void KillStack.stopAll().finally(() => process.exit(130))
    })
  }
  let served = 0
  try {
    for (const [index, { pair, seed, delayMs }] of left.entries()) {
      bench ??= await KillBench.start(left.slice(index, index + PAIRS_PER_STACK).map(each => each.pair))
      const ending = await bench.run([pair], index + 1, delayMs)
      // What was under way when everything was stopped says nothing.
      if (isStopped) return await new Promise<never>(() => undefined)
      const result: KillResult = { ...pair, ...ending, seed, delayMs }
      results.add(result)
      console.log(line(result))
      const isGood = result.outcome === 'equal'
      if (!isGood) {
        const logs = join(tmpdir(), `mlforge-kill-${pair.point}-${pair.process}-${seed}`)
        await bench.stack.saveLogs(logs)
        console.log(`          logs in ${logs}`)
      }
      if (++served % PAIRS_PER_STACK === 0 || !isGood) {
        await bench.stop()
        bench = undefined
      }
    }
  } finally {
    await KillStack.stopAll()
  }
  const mine = work.flatMap(({ pair, seed }) => results.get(pair, seed) ?? [])
  const bad = mine.filter(({ outcome }) => outcome !== 'equal')
  console.log(`${mine.length - bad.length} equal, ${bad.length} not; ${results.file}`)
  return mine.length === work.length && bad.length === 0
}

const nameOf = ({ scenario, point, process }: Pair): string => `${scenario}/${point}/${process}`

function line({ point, process, seed, delayMs, outcome, seconds, detail }: KillResult): string {
  const when = seed === 0 ? '' : ` (seed ${seed}, ${delayMs} ms)`
  const what = `${process} at ${POINT_TITLES[point]}${when}`
  return `${outcome.padEnd(9)} ${seconds.toFixed(1).padStart(6)} s  ${what}: ${detail}`
}

/** 0 to 300 ms, the same for the same seed and place (mulberry32). */
function delayOf(seed: number, index: number): number {
  let state = Math.imul(seed * 1_000 + index, 0x6d2b79f5)
  state = Math.imul(state ^ (state >>> 15), state | 1)
  state ^= state + Math.imul(state ^ (state >>> 7), state | 61)
  return ((state ^ (state >>> 14)) >>> 0) % (MOST_DELAY_MS + 1)
}
