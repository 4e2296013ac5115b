import Sequencer from '@jest/test-sequencer'

/** Whole stacks and killed processes: begun last, one of them would go on while the other workers have nothing to do. */
const LONGEST = [
  '/test/kill/',
  '/test/fuzz/',
  '/test/e2e/',
  '/test/upgrade/',
  '/test/workflows/',
  '/test/cli/',
]

/** On a fresh clone nothing is known of how long files take; Jest would go by their sizes. */
export default class LongestFirst extends Sequencer {
  async sort(tests) {
    const rank = ({ path }) => {
      const at = LONGEST.findIndex(part => path.includes(part))
      return at === -1 ? LONGEST.length : at
    }
    const sorted = await super.sort(tests)
    return sorted.toSorted((one, other) => rank(one) - rank(other))
  }
}
