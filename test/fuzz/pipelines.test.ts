import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { caseOf } from './case.js'
import { PipelineBench } from './pipeline-bench.js'

jest.setTimeout(300_000)

const SEEDS = [1, 2, 3, 4, 5]

describe('generated pipelines, with processes killed while they run', () => {
  let bench: PipelineBench
  beforeAll(async () => {
    bench = await PipelineBench.start()
  })
  afterAll(() => bench?.stop())

  it.each(SEEDS)('seed %i ends as the model says, with each effect in our stores once', async seed => {
    expect(await bench.run(caseOf(seed), `fuzz-${seed}`)).toEqual([])
  })
})
