import { History } from '../../test/fuzz/data/history.js'
import { KillStack } from '../../test/kill/stack.js'
import type { SoakArguments } from '../soak.js'
import { soakSeeds } from './seeds.js'

const VERSIONS = 100
const TRAININGS = 25

/** A history of 100 versions that is collected while models are trained on it. */
export async function soakHistory(given: SoakArguments): Promise<boolean> {
  return soakSeeds(given, {
    name: 'history',
    tests: ['test/fuzz/data', 'test/kill'],
    perStack: 1,
    start: async () => {
      const stack = await KillStack.start({ MLFORGE_DATA_GRACE_MINUTES: '0' })
      return { stack, stop: () => stack.stop() }
    },
    play: async ({ stack }, seed) => {
      const name = `history-${seed}`
      const { problems, did } = await History.play(
        stack,
        { seed, versions: VERSIONS, trainings: TRAININGS },
        name,
      )
      if (problems.length === 0) return { outcome: 'equal', detail: did }
      return { outcome: 'different', detail: [did, ...problems].join('\n          ') }
    },
  })
}
