import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { decideGate, DEFAULT_GATE } from '../../../domain/training/gate.js'
import type { RegressionMetrics } from '../../../domain/training/metrics.js'

const metrics = (rmse: unknown): RegressionMetrics => ({
  rmse: rmse as number,
  mae: 1,
  wape: 0.1,
  relativeBias: 0,
  r2: 0.9,
})

describe('decideGate', () => {
  it.each([
    ['better than the baseline', 51, 79, undefined, true],
    ['as good as the baseline', 79, 79, undefined, true],
    ['worse than the baseline', 79.01, 79, undefined, false],
    ['better than the baseline, worse than the champion', 60, 79, 51, false],
    ['as good as the champion', 51, 79, 51, true],
  ])('%s', (_what, model, baseline, champion, passed) => {
    const decision = decideGate(DEFAULT_GATE, {
      model: metrics(model),
      baseline: metrics(baseline),
      ...(champion === undefined ? {} : { champion: metrics(champion) }),
    })
    expect(decision.passed).toBe(passed)
    expect(decision.checks.map(check => check.name)).toEqual(
      champion === undefined ? ['baseline'] : ['baseline', 'champion'],
    )
  })

  it('says what was observed and what was allowed', () => {
    const { checks } = decideGate(
      { maxRmseOfBaseline: 0.5, maxRmseOfChampion: 1 },
      { model: metrics(51), baseline: metrics(79) },
    )
    expect(checks).toEqual([
      {
        name: 'baseline',
        observed: 51,
        limit: 39.5,
        passed: false,
        message: "RMSE 51.00 is above 0.5 x the baseline's 79.00",
      },
    ])
  })

  it('passes nothing that is not a number, also once it has been through JSON', () => {
    const odd = fc.constantFrom<unknown>(NaN, null, Infinity, -Infinity, undefined, '1')
    const any = fc.oneof(odd, fc.double({ min: 0, noNaN: true }))
    fc.assert(
      fc.property(odd, any, fc.boolean(), fc.boolean(), (bad, other, modelIsBad, throughJson) => {
        const evaluated = {
          model: metrics(modelIsBad ? bad : other),
          baseline: metrics(modelIsBad ? other : bad),
        }
        const seen = throughJson ? (JSON.parse(JSON.stringify(evaluated)) as typeof evaluated) : evaluated
        const decision = decideGate(DEFAULT_GATE, seen)
        expect(decision.passed).toBe(false)
        expect(decision.checks[0]!.message).toContain('cannot be compared')
      }),
    )
  })

  it('never passes a model that is worse than what passes its neighbour', () => {
    const positive = fc.double({ min: 1e-3, max: 1e6, noNaN: true })
    fc.assert(
      fc.property(positive, positive, positive, (one, other, baseline) => {
        const [better, worse] = one < other ? [one, other] : [other, one]
        const passes = (rmse: number) =>
          decideGate(DEFAULT_GATE, { model: metrics(rmse), baseline: metrics(baseline) }).passed
        expect(passes(worse) && !passes(better)).toBe(false)
      }),
    )
  })
})
