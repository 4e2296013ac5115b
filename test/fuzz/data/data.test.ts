import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { dataCaseOf } from './case.js'
import { DataBench, type Played } from './data-bench.js'

jest.setTimeout(300_000)

const SEEDS = [1, 2, 3, 4, 5]

describe('clients of versioned datasets, killed with processes of the stack while they work', () => {
  let bench: DataBench
  const played = new Map<number, Played>()
  beforeAll(async () => {
    bench = await DataBench.start()
  })
  afterAll(() => bench?.stop())

  it.each(SEEDS)('seed %i: each version holds what was committed', async seed => {
    const end = await bench.run(dataCaseOf(seed), `data-${seed}`)
    played.set(seed, end)
    expect(end.problems).toEqual([])
  })
})
