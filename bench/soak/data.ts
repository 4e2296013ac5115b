import { dataCaseOf } from '../../test/fuzz/data/case.js'
import { DataBench } from '../../test/fuzz/data/data-bench.js'
import type { SoakArguments } from '../soak.js'
import { soakSeeds } from './seeds.js'

/** Differences that are printed of a case. */
const LISTED = 20

/** Clients of versioned datasets that are killed with processes of the stack. */
export async function soakData(given: SoakArguments): Promise<boolean> {
  return soak(given, 'data', () => DataBench.start())
}

/** The same with objects in a bucket, whose server is killed too. */
export async function soakDataInBucket(given: SoakArguments): Promise<boolean> {
  return soak(given, 'data-s3', () => DataBench.start('bucket'))
}

function soak(given: SoakArguments, name: string, start: () => Promise<DataBench>): Promise<boolean> {
  return soakSeeds(given, {
    name,
    tests: ['test/fuzz/data', 'test/kill', 'test/domain/data'],
    perStack: 10,
    start,
    play: async (bench, seed) => {
      const { problems, versions, struck } = await bench.run(dataCaseOf(seed), `data-${seed}`)
      const did = `${versions} versions; killed ${struck.join(', ')}`
      if (problems.length === 0) return { outcome: 'equal', detail: did }
      const more = problems.length > LISTED ? [`and ${problems.length - LISTED} more`] : []
      const detail = [did, ...problems.slice(0, LISTED), ...more].join('\n          ')
      return { outcome: 'different', detail }
    },
  })
}
