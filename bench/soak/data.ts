import { dataCaseOf } from '../../test/fuzz/data/case.js'
import { DataBench } from '../../test/fuzz/data/data-bench.js'
import type { Ending } from '../../test/kill/kill-bench.js'
import type { SoakArguments } from '../soak.js'
import { soakCases } from './cases.js'
import { SoakResults } from './results.js'
import { seedsOf } from './seeds.js'

interface SeedResult extends Ending {
  readonly seed: number
}

const SEEDS_PER_STACK = 10
/** Differences that are printed of a case. */
const LISTED = 20

/** Clients of versioned datasets that are killed with processes of the stack: seeds 1 to n, or only those named. */
export async function soakData(given: SoakArguments): Promise<boolean> {
  return soakCases<number, SeedResult, DataBench>({
    cases: seedsOf(given),
    results: SoakResults.open<SeedResult>({
      name: 'data',
      tests: ['test/fuzz/data', 'test/kill', 'test/domain/data'],
      keyOf: ({ seed }) => String(seed),
    }),
    keyOf: String,
    perStack: SEEDS_PER_STACK,
    start: () => DataBench.start(),
    run: async (bench, seed) => ({ seed, ...(await ending(bench, seed)) }),
    line: ({ seed, outcome, seconds, detail }) =>
      `${outcome.padEnd(9)} ${seconds.toFixed(1).padStart(6)} s  seed ${seed}: ${detail}`,
    logs: ({ seed }) => `mlforge-soak-data-${seed}`,
  })
}

async function ending(bench: DataBench, seed: number): Promise<Ending> {
  const started = Date.now()
  const end = (outcome: Ending['outcome'], detail: string): Ending => ({
    outcome,
    seconds: Math.round((Date.now() - started) / 100) / 10,
    detail,
  })
  try {
    const { problems, versions, struck } = await bench.run(dataCaseOf(seed), `data-${seed}`)
    const did = `${versions} versions; killed ${struck.join(', ')}`
    if (problems.length === 0) return end('equal', did)
    const more = problems.length > LISTED ? [`and ${problems.length - LISTED} more`] : []
    return end('different', [did, ...problems.slice(0, LISTED), ...more].join('\n          '))
  } catch (error) {
    return end('error', error instanceof Error ? error.message : String(error))
  }
}
