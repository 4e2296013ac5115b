import { type Case, caseOf } from '../../test/fuzz/case.js'
import { PipelineBench } from '../../test/fuzz/pipeline-bench.js'
import type { Ending } from '../../test/kill/kill-bench.js'
import type { SoakArguments } from '../soak.js'
import { soakCases } from './cases.js'
import { SoakResults } from './results.js'
import { seedsOf } from './seeds.js'

interface SeedResult extends Ending {
  readonly seed: number
}

const SEEDS_PER_STACK = 20

/** Generated pipelines with processes killed while they run: seeds 1 to n, or only those that are named. */
export async function soakPipelines(given: SoakArguments): Promise<boolean> {
  return soakCases<number, SeedResult, PipelineBench>({
    cases: seedsOf(given),
    results: SoakResults.open<SeedResult>({
      name: 'pipelines',
      tests: ['test/fuzz', 'test/kill', 'test/support'],
      keyOf: ({ seed }) => String(seed),
    }),
    keyOf: String,
    perStack: SEEDS_PER_STACK,
    start: () => PipelineBench.start(),
    run: async (bench, seed) => ({ seed, ...(await ending(bench, caseOf(seed), `fuzz-${seed}`)) }),
    line: ({ seed, outcome, seconds, detail }) =>
      `${outcome.padEnd(9)} ${seconds.toFixed(1).padStart(6)} s  seed ${seed}: ${detail}`,
    logs: ({ seed }) => `mlforge-pipelines-${seed}`,
  })
}

async function ending(bench: PipelineBench, given: Case, name: string): Promise<Ending> {
  const started = Date.now()
  const end = (outcome: Ending['outcome'], detail: string): Ending => ({
    outcome,
    seconds: Math.round((Date.now() - started) / 100) / 10,
    detail,
  })
  try {
    const { problems, run } = await bench.run(given, name)
    if (problems.length > 0) return end('different', problems.join('; '))
    const killed = given.kills.map(({ victim }) => victim).join(', ')
    const undone = run.steps.filter(({ state }) => state === 'undone').length
    const did = [
      `${run.status}, attempt ${run.attempt}`,
      `${run.steps.length} steps${undone > 0 ? `, ${undone} undone` : ''}`,
      ...(given.later ? [given.later.verb] : []),
      `killed ${killed}`,
    ]
    return end('equal', did.join('; '))
  } catch (error) {
    return end('error', error instanceof Error ? error.message : String(error))
  }
}
