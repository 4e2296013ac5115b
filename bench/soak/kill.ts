import { ALL_PAIRS, POINT_TITLES, type Pair } from '../../test/kill/points.js'
import { type Ending, KillBench } from '../../test/kill/kill-bench.js'
import type { SoakArguments } from '../soak.js'
import { soakCases } from './cases.js'
import { SoakResults } from './results.js'

interface KillCase {
  readonly pair: Pair
  readonly seed: number
  readonly delayMs: number
}

interface KillResult extends Pair, Ending {
  readonly seed: number
  readonly delayMs: number
}

const PAIRS_PER_STACK = 18
const MOST_DELAY_MS = 300

/** Every process at every point; then, for each seed, all of them again with a random delay before the kill. */
export async function soakKill({ seeds, only }: SoakArguments): Promise<boolean> {
  const cases = Array.from({ length: seeds + 1 }, (_, seed) =>
    ALL_PAIRS.map((pair, index) => ({ pair, seed, delayMs: seed === 0 ? 0 : delayOf(seed, index) })),
  )
    .flat()
    .filter(({ pair }) => only.length === 0 || only.some(text => nameOf(pair).includes(text)))
  return soakCases<KillCase, KillResult, KillBench>({
    cases,
    results: SoakResults.open<KillResult>({ name: 'kill', tests: ['test/kill', 'test/support'], keyOf }),
    keyOf: ({ pair, seed }) => keyOf({ ...pair, seed }),
    perStack: PAIRS_PER_STACK,
    start: next => KillBench.start(next.map(({ pair }) => pair)),
    run: async (bench, { pair, seed, delayMs }, index) => ({
      ...pair,
      ...(await bench.run([pair], index + 1, { delayMs })),
      seed,
      delayMs,
    }),
    line,
    logs: ({ point, process, seed }) => `mlforge-kill-${point}-${process}-${seed}`,
  })
}

const nameOf = ({ scenario, point, process }: Pair): string => `${scenario}/${point}/${process}`

const keyOf = ({ seed, ...pair }: Pair & { readonly seed: number }): string => `${nameOf(pair)}/${seed}`

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
