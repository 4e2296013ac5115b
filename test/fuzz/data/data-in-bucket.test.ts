import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { versitygw } from '../../stores/objects/support/versity.js'
import { dataCaseOf } from './case.js'
import { DataBench } from './data-bench.js'
import { SEEDS_IN_BUCKET } from './seeds.js'

const withServer = versitygw === undefined ? describe.skip : describe

withServer(
  'clients of versioned datasets in a bucket, whose server is killed with those of the stack',
  () => {
    let bench: DataBench
    beforeAll(async () => {
      bench = await DataBench.start('bucket')
    })
    afterAll(() => bench?.stop())

    it.each(SEEDS_IN_BUCKET)('seed %i: each version holds what was committed', async seed => {
      const end = await bench.run(dataCaseOf(seed), `data-${seed}`)
      expect(end.problems).toEqual([])
      expect(end.struck).not.toEqual([])
    })
  },
)
