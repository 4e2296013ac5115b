import { describe, expect, it } from '@jest/globals'
import type { StackFacts } from '../../../domain/check/facts.js'
import { checkPools } from '../../../domain/check/pools.js'
import { NOW, stack } from './support.js'

const later = new Date(NOW.getTime() + 1000)

/** A pool of two slots, both held by steps of an open run. */
function sound(): StackFacts {
  const base = stack('1')
  const run = { ...base.runs[0]!, kind: 'pipeline' as const, status: 'running' as const }
  const claim = (step: string) => ({
    project: 'default',
    pool: 'gpu',
    runId: run.id,
    step,
    generation: 1,
    slots: 1,
    grantedAt: later,
  })
  return {
    ...base,
    runs: [run],
    ledger: [],
    pools: [{ project: 'default', name: 'gpu', slots: 2, updatedAt: NOW }],
    poolClaims: [claim('a'), claim('b')],
  }
}

describe('the check of pools', () => {
  it('finds nothing wrong with a pool that is full', () => {
    expect(checkPools(sound())).toEqual([])
  })

  it('finds nothing wrong where a pool was made smaller than what is held', () => {
    const whole = sound()
    const pools = whole.pools.map(pool => ({ ...pool, slots: 1, updatedAt: new Date(later.getTime() + 1) }))
    expect(checkPools({ ...whole, pools })).toEqual([])
  })

  it.each<[string, (whole: StackFacts) => StackFacts, string[]]>([
    [
      'more slots than there are',
      whole => ({ ...whole, pools: [{ ...whole.pools[0]!, slots: 1 }] }),
      ['pool_exceeded'],
    ],
    [
      'claims of a run that has ended',
      whole => ({ ...whole, runs: [{ ...whole.runs[0]!, status: 'terminated' }] }),
      ['claim_left', 'claim_left'],
    ],
    ['claims of no run', whole => ({ ...whole, runs: [] }), ['claim_left', 'claim_left']],
    [
      'a claim of a finished step',
      whole => ({ ...whole, ledger: [{ runId: whole.runs[0]!.id, step: 'a', generation: 1, outcome: {} }] }),
      ['claim_left'],
    ],
    ['claims of no pool', whole => ({ ...whole, pools: [] }), ['claim_without_pool', 'claim_without_pool']],
  ])('finds %s', (_, change, codes) => {
    expect(checkPools(change(sound())).map(({ code }) => code)).toEqual(codes)
  })
})
