import type { Ending } from '../../test/kill/kill-bench.js'
import { timed } from '../../test/kill/timed.js'
import type { SoakArguments } from '../soak.js'
import { type SoakBench, soakCases } from './cases.js'
import { SoakResults } from './results.js'

interface SeedResult extends Ending {
  readonly seed: number
}

interface SeedSuite<B extends SoakBench> {
  readonly name: string
  /** Directories whose files decide what a seed does. */
  readonly tests: readonly string[]
  readonly perStack: number
  readonly start: () => Promise<B>
  /** Plays a seed; what it throws is its end too. */
  readonly play: (bench: B, seed: number) => Promise<Pick<Ending, 'outcome' | 'detail'>>
}

/** Seeds 1 to n, or only those that are named. */
export async function soakSeeds<B extends SoakBench>(
  given: SoakArguments,
  suite: SeedSuite<B>,
): Promise<boolean> {
  const { name, tests, perStack, start, play } = suite
  return soakCases<number, SeedResult, B>({
    cases: seedsOf(given),
    results: SoakResults.open<SeedResult>({ name, tests, keyOf: ({ seed }) => String(seed) }),
    keyOf: String,
    perStack,
    start,
    run: async (bench, seed) => ({ seed, ...(await timed(() => play(bench, seed))) }),
    line: ({ seed, outcome, seconds, detail }) =>
      `${outcome.padEnd(9)} ${seconds.toFixed(1).padStart(6)} s  seed ${seed}: ${detail}`,
    logs: ({ seed }) => `mlforge-soak-${name}-${seed}`,
  })
}

function seedsOf({ seeds, only }: SoakArguments): number[] {
  const wanted = only.length > 0 ? only.map(Number) : Array.from({ length: seeds }, (_, at) => at + 1)
  const wrong = only.filter((_, at) => !Number.isInteger(wanted[at]))
  if (wrong.length > 0) throw new Error(`${wrong.join(', ')} is no seed: name whole numbers, or SEEDS=n.`)
  if (wanted.length === 0) throw new Error('Say how many seeds: SEEDS=100.')
  return wanted
}
