import { describe, expect, it } from '@jest/globals'
import { MlforgeError } from '../../../domain/errors.js'
import { compileStrategy } from '../../../domain/rollouts/compile.js'
import { describePlan } from '../../../domain/rollouts/describe-plan.js'
import { ERROR_GATE, RANK_GATE } from '../../../domain/rollouts/gates.js'
import { type Strategy, strategyProblems } from '../../../domain/rollouts/strategy.js'

const versions = { candidate: 2, stable: 1 }
const kinds = (strategy: Strategy, stable: number | null = 1) =>
  compileStrategy(strategy, { candidate: 2, stable }).steps.map(step => step.kind)

describe('compileStrategy', () => {
  it('makes a canary of stops with an analysis each', () => {
    const plan = compileStrategy({ kind: 'canary' }, versions)
    const gates = [ERROR_GATE, RANK_GATE]
    expect(plan).toMatchObject({ strategy: 'canary', candidate: 2, stable: 1, keepPrevious: false })
    expect(plan.steps).toEqual([
      { kind: 'preflight' },
      { kind: 'mirror', percent: 20 },
      { kind: 'setWeight', percent: 10 },
      { kind: 'analyse', gates, minRows: 40, deadlineSeconds: 86_400 },
      { kind: 'setWeight', percent: 50 },
      { kind: 'analyse', gates, minRows: 100, deadlineSeconds: 86_400 },
      { kind: 'promote' },
    ])
  })

  it.each<[string, Strategy, string[]]>([
    [
      'a canary without mirror',
      { kind: 'canary', mirror: 0, stops: [{ percent: 5, minRows: 20 }] },
      ['preflight', 'setWeight', 'analyse', 'promote'],
    ],
    [
      'a canary without the rank gate',
      { kind: 'canary', gates: { rank: null }, stops: [{ percent: 5, minRows: 20 }], approve: ['admin'] },
      ['preflight', 'setWeight', 'analyse', 'approve', 'promote'],
    ],
    ['a plain blue-green switch', { kind: 'blueGreen' }, ['preflight', 'setWeight', 'promote']],
    [
      'a blue-green switch with everything',
      {
        kind: 'blueGreen',
        mirror: { percent: 100, minRows: 50 },
        approve: ['operator'],
        observeSeconds: null,
      },
      ['preflight', 'mirror', 'analyse', 'approve', 'setWeight', 'pause', 'promote'],
    ],
    [
      'a shadow, which never has weight',
      { kind: 'shadow', percent: 100, minRows: 50 },
      ['preflight', 'mirror', 'analyse', 'mirror'],
    ],
    ['a forced switch', { kind: 'instant', cause: 'force' }, ['preflight', 'setWeight', 'promote']],
    ['a rollback', { kind: 'instant', cause: 'rollback' }, ['setWeight', 'promote']],
  ])('makes of %s its steps', (_what, strategy, steps) => {
    expect(kinds(strategy)).toEqual(steps)
  })

  it('compares on mirrored rows where no traffic has moved', () => {
    const { steps } = compileStrategy({ kind: 'shadow', percent: 50, minRows: 50 }, versions)
    expect(steps[2]).toMatchObject({ gates: [{ kind: 'error', on: 'mirrored' }, { kind: 'rank' }] })
  })

  it('lets only a rollback move in a freeze, and only blue-green keep the version before', () => {
    const plan = (strategy: Strategy) => compileStrategy(strategy, versions)
    expect(plan({ kind: 'instant', cause: 'rollback' }).ignoresFreeze).toBe(true)
    expect(plan({ kind: 'instant', cause: 'force' }).ignoresFreeze).toBe(false)
    expect(plan({ kind: 'blueGreen' })).toMatchObject({ keepPrevious: true, ignoresFreeze: false })
  })

  it.each<[Strategy, string, string[]]>([
    [{ kind: 'canary' }, 'the stops at 10 %, 50 % are skipped', ['preflight', 'setWeight', 'promote']],
    [
      { kind: 'blueGreen', mirror: { percent: 10, minRows: 5 }, approve: ['admin'] },
      'the comparison of "blueGreen" is skipped',
      ['preflight', 'approve', 'setWeight', 'promote'],
    ],
  ])('makes the first version of a deployment initial, and says so', (strategy, why, steps) => {
    const plan = compileStrategy(strategy, { candidate: 1, stable: null })
    expect(plan.strategy).toBe('initial')
    expect(plan.notes.join()).toContain('nothing to compare with')
    expect(plan.notes.join()).toContain(why)
    expect(kinds(strategy, null)).toEqual(steps)
  })

  it('changes gates as asked', () => {
    const gates = { error: { alpha: 0.01, maxIncrease: 0.05 }, rank: { minPairs: 10 } }
    const { steps } = compileStrategy({ kind: 'canary', gates }, versions)
    expect(steps[3]).toMatchObject({
      gates: [
        { ...ERROR_GATE, alpha: 0.01, maxIncrease: 0.05 },
        { ...RANK_GATE, minPairs: 10 },
      ],
    })
  })

  it('refuses with all problems', () => {
    const compile = () => compileStrategy({ kind: 'canary', mirror: 101, approve: [] }, versions)
    expect(compile).toThrow(MlforgeError)
    expect(compile).toThrow(
      expect.objectContaining({
        code: 'strategy_invalid',
        details: {
          problems: [expect.objectContaining({ at: 'mirror' }), expect.objectContaining({ at: 'approve' })],
        },
      }),
    )
  })
})

describe('strategyProblems', () => {
  const at = (strategy: Strategy, stable: number | null = 1) =>
    strategyProblems(strategy, { candidate: 2, stable }).map(problem => problem.at)

  it('names everything that is wrong with stops', () => {
    const stops = [
      { percent: 50, minRows: 0 },
      { percent: 10, minRows: 10, deadlineSeconds: 0 },
      { percent: 100, minRows: 1.5, deadlineSeconds: NaN },
      { percent: 100.5, minRows: 1 },
    ]
    expect(at({ kind: 'canary', stops })).toEqual([
      'stops[0].minRows',
      'stops[1].percent',
      'stops[1].deadlineSeconds',
      'stops[2].percent',
      'stops[2].minRows',
      'stops[2].deadlineSeconds',
      'stops[3].percent',
    ])
    expect(at({ kind: 'canary', stops: [] })).toEqual(['stops'])
    const hundred = strategyProblems({ kind: 'canary', stops: [{ percent: 100, minRows: 1 }] }, versions)
    expect(hundred[0]!.message).toContain('no rows to compare with')
    const falling = strategyProblems({ kind: 'canary', stops: stops.slice(0, 2) }, versions)
    expect(falling[1]!.message).toBe('10 is not above the 50 before it.')
  })

  it.each<[string, Strategy, number | null, string[]]>([
    ['the same version', { kind: 'canary' }, 2, ['version']],
    [
      'gates out of range',
      {
        kind: 'canary',
        gates: {
          error: { alpha: 0, tunedAt: -1, minUnits: 1, maxIncrease: 0 },
          rank: { minCorrelation: 2, minPairs: 2.5 },
        },
      },
      1,
      [
        'gates.error.alpha',
        'gates.error.tunedAt',
        'gates.error.minUnits',
        'gates.error.maxIncrease',
        'gates.rank.minCorrelation',
        'gates.rank.minPairs',
      ],
    ],
    [
      'a mirror of nothing',
      { kind: 'blueGreen', mirror: { percent: 0, minRows: 0, deadlineSeconds: -1 }, observeSeconds: -1 },
      1,
      ['mirror.percent', 'mirror.minRows', 'mirror.deadlineSeconds', 'observeSeconds'],
    ],
    ['a role that may not approve', { kind: 'canary', approve: ['viewer' as 'admin'] }, 1, ['approve']],
    ['a shadow of nothing', { kind: 'shadow', percent: 0, minRows: 0 }, null, ['percent', 'minRows', 'kind']],
    ['a rollback of nothing', { kind: 'instant', cause: 'rollback' }, null, ['cause']],
  ])('names %s', (_what, strategy, stable, expected) => {
    expect(at(strategy, stable)).toEqual(expected)
  })
})

describe('describePlan', () => {
  const text = (strategy: Strategy, stable: number | null = 1) =>
    describePlan(compileStrategy(strategy, { candidate: 2, stable }))

  it('says what a canary will do', () => {
    expect(text({ kind: 'canary', stops: [{ percent: 10, minRows: 40 }], approve: ['admin'] })).toEqual([
      'canary: version 2, against version 1',
      '1. preflight: the model loads, its signature fits, golden rows, memory, latency',
      '2. version 2 also scores 20 % of keys as a shadow; callers do not see it',
      '3. version 2 answers 10 %, version 1 90 %, once every replica has both ready',
      '4. analyse until 40 labelled rows and a verdict; without one after 86400 s: hold',
      '   - error: confidence sequence (alpha 0.05, N* 500) of the difference in mean |error|, from 20 labelled rows of each arm: above 0 fails, below +10 % passes',
      '   - rank: Spearman below 0.5 after 30 mirrored rows fails',
      '5. wait for approval by admin',
      '6. promote: version 2 becomes stable with 100 % and champion',
    ])
  })

  it('says what is left out, what ends in a report, what is kept', () => {
    expect(text({ kind: 'canary' }, null)).toEqual([
      'initial: version 2, the first version of the deployment',
      'note: First version of this deployment: there is nothing to compare with, so the stops at 10 %, 50 % are skipped.',
      '1. preflight: the model loads, its signature fits, golden rows, memory, latency',
      '2. version 2 answers all rows',
      '3. promote: version 2 becomes stable with 100 % and champion',
    ])
    const shadow = text({ kind: 'shadow', percent: 100, minRows: 50 })
    expect(shadow.join('\n')).toContain('without one after 86400 s: report as it is')
    expect(shadow.at(-1)).toBe('4. mirroring ends')
    const blueGreen = text({ kind: 'blueGreen', observeSeconds: null })
    expect(blueGreen.slice(-2)).toEqual([
      '3. pause until somebody promotes',
      '4. promote: version 2 becomes stable with 100 % and champion; version 1 stays loaded',
    ])
    expect(text({ kind: 'blueGreen', observeSeconds: 60 })).toContain('3. pause for 60 s')
  })
})
