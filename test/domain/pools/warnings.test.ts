import { describe, expect, it } from '@jest/globals'
import { compilePipeline } from '../../../domain/pipelines/compile.js'
import { poolWarnings } from '../../../domain/pools/warnings.js'

const step = (more: object) => ({
  uses: 'http',
  with: { url: 'http://127.0.0.1:9/' },
  ...more,
})
const warned = (steps: object, pools: Record<string, number>) =>
  poolWarnings(compilePipeline({ steps }, 'p').definition!, new Map(Object.entries(pools)))

describe('pools that a definition needs', () => {
  it('are there, and large enough', () => {
    expect(warned({ a: step({}) }, {})).toEqual([])
    expect(warned({ a: step({ pool: { name: 'gpu', slots: 2 } }) }, { gpu: 2 })).toEqual([])
  })

  it('are missed by the step, by what it does with items, and by what undoes it', () => {
    const steps = {
      a: step({ pool: 'gpuu' }),
      b: { uses: 'map', with: { items: [1] }, do: step({ pool: 'io' }) },
      c: step({ compensate: step({ pool: { name: 'gpu', slots: 3 } }) }),
    }
    expect(warned(steps, { gpu: 2 })).toEqual([
      'Step "a" needs pool "gpuu", which is not there. Did you mean "gpu"? Make it by PUT /v1/pools/gpuu.',
      'Step "b" needs pool "io", which is not there. Make it by PUT /v1/pools/io.',
      'Step "c" needs 3 slots of pool "gpu", which has 2: it waits until there are as many.',
    ])
  })
})
