import { caseOf } from '../../test/fuzz/case.js'
import { PipelineBench } from '../../test/fuzz/pipeline-bench.js'
import type { SoakArguments } from '../soak.js'
import { soakSeeds } from './seeds.js'

/** Generated pipelines with processes killed while they run. */
export async function soakPipelines(given: SoakArguments): Promise<boolean> {
  return soakSeeds(given, {
    name: 'pipelines',
    tests: ['test/fuzz', 'test/kill', 'test/support'],
    perStack: 20,
    start: () => PipelineBench.start(),
    play: async (bench, seed) => {
      const generated = caseOf(seed)
      const { problems, run } = await bench.run(generated, `fuzz-${seed}`)
      if (problems.length > 0) return { outcome: 'different', detail: problems.join('; ') }
      const killed = generated.kills.map(({ victim }) => victim).join(', ')
      const undone = run.steps.filter(({ state }) => state === 'undone').length
      const did = [
        `${run.status}, attempt ${run.attempt}`,
        `${run.steps.length} steps${undone > 0 ? `, ${undone} undone` : ''}`,
        ...(generated.later ? [generated.later.verb] : []),
        `killed ${killed}`,
      ]
      return { outcome: 'equal', detail: did.join('; ') }
    },
  })
}
