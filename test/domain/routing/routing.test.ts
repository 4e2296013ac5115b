import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { chooseArm, isMirrored } from '../../../domain/routing/choose-arm.js'
import { murmur3 } from '../../../domain/routing/murmur3.js'
import type { PlanArm, RoutingPlan } from '../../../domain/routing/plan.js'
import { validatePlan } from '../../../domain/routing/validate-plan.js'

const split = (weight: number, salt = 'r1', shadows: readonly PlanArm[] = []): RoutingPlan => ({
  salt,
  arms: [
    { version: 1, role: 'stable', weight: 100 - weight },
    { version: 2, role: 'candidate', weight },
    ...shadows,
  ],
})
const shadow = (version: number, sample: number): PlanArm => ({ version, role: 'shadow', weight: 0, sample })
const percent = fc.integer({ min: 0, max: 100 })
const keys = Array.from({ length: 100_000 }, (_, index) => `user-${index}`)
/** Five standard deviations of a binomial share: crossed by chance once in 1.7 million. */
const bound = (share: number, n: number) => 5 * Math.sqrt((share * (1 - share)) / n)

describe('murmur3', () => {
  it.each<[string, number, number]>([
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['', 0xffffffff, 0x81f16f39],
    ['\u0000\u0000\u0000\u0000', 0, 0x2362f9de],
    ['\u0000\u0000\u0000', 0, 0x85f0b427],
    ['\u0000\u0000', 0, 0x30f4c306],
    ['\u0000', 0, 0x514e28b7],
    ['a', 0x9747b28c, 0x7fa09ea6],
    ['aa', 0x9747b28c, 0x5d211726],
    ['aaa', 0x9747b28c, 0x283e0130],
    ['aaaa', 0x9747b28c, 0x5a97808a],
    ['ab', 0x9747b28c, 0x74875592],
    ['abc', 0x9747b28c, 0xc84a62dd],
    ['abcd', 0x9747b28c, 0xf0478627],
    ['Hello, world!', 0x9747b28c, 0x24884cba],
    ['ππππππππ', 0x9747b28c, 0xd58063c1],
    ['€', 0, 0x5b43fca5], // this and the next three: mmh3 5.x for Python
    ['日本語', 7, 0x6efde218],
    ['😀', 0, 0xbeb42efa],
    ['a😀é', 7, 0x6076ea09],
    ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
  ])('of %j with seed %i equals the published vector', (text, seed, expected) => {
    expect(murmur3(text, seed)).toBe(expected)
  })

  it('takes any text, a lone surrogate like U+FFFD', () => {
    expect(murmur3('\ud800')).toBe(murmur3('\ufffd'))
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        const hash = murmur3(text)
        expect(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32).toBe(true)
      }),
    )
  })
})

describe('validatePlan', () => {
  it.each<[string, RoutingPlan]>([
    ['stable alone', { salt: 's', arms: [{ version: 1, role: 'stable', weight: 100 }] }],
    ['a candidate without weight', split(0)],
    ['a candidate with all of it', split(100)],
    ['two shadows, one of them the candidate', split(10, 's', [shadow(2, 20), shadow(3, 0.5)])],
  ])('has nothing against %s', (_what, plan) => {
    expect(validatePlan(plan)).toEqual([])
  })

  it('names all problems at once', () => {
    const problems = validatePlan({
      salt: '',
      arms: [
        { version: 1, role: 'stable', weight: 33.3, sample: 5 },
        { version: 0, role: 'candidate', weight: 110 },
        { version: 1, role: 'candidate', weight: NaN },
        { version: 3, role: 'shadow', weight: 5 },
        { version: 3, role: 'shadow', weight: 0, sample: 101 },
        { version: 1, role: 'shadow', weight: 0, sample: 50 },
      ],
    })
    expect(problems.map(problem => problem.at)).toEqual([
      'salt',
      'arms',
      'arms[0].weight',
      'arms[0].sample',
      'arms[1].version',
      'arms[1].weight',
      'arms[2].weight',
      'arms[3].weight',
      'arms[3].sample',
      'arms[4].sample',
      'arms[2].version',
      'arms[4].version',
      'arms[5].version',
      'arms',
    ])
  })

  it('accepts weights exactly when they sum to 100', () => {
    fc.assert(
      fc.property(percent, percent, (stable, candidate) => {
        const arms: PlanArm[] = [
          { version: 1, role: 'stable', weight: stable },
          { version: 2, role: 'candidate', weight: candidate },
        ]
        expect(validatePlan({ salt: 's', arms }).length === 0).toBe(stable + candidate === 100)
      }),
    )
  })
})

describe('chooseArm', () => {
  it('is sticky, and monotone while the weight grows', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), percent, percent, (salt, key, one, other) => {
        const [less, more] = one < other ? [one, other] : [other, one]
        expect(chooseArm(split(less, salt), key)).toEqual(chooseArm(split(less, salt), key))
        if (chooseArm(split(less, salt), key).role === 'candidate') {
          expect(chooseArm(split(more, salt), key).role).toBe('candidate')
        }
      }),
    )
  })

  it('gives nothing to weight 0 and everything to weight 100', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (salt, key) => {
        expect(chooseArm(split(0, salt), key).role).toBe('stable')
        expect(chooseArm(split(100, salt), key).role).toBe('candidate')
      }),
    )
  })

  it.each([1, 10, 50, 99])('gives %i %% of 100,000 keys to the candidate, within binomial bounds', weight => {
    const plan = split(weight, `share-${weight}`)
    const share = keys.filter(key => chooseArm(plan, key).role === 'candidate').length / keys.length
    expect(Math.abs(share - weight / 100)).toBeLessThan(bound(weight / 100, keys.length))
  })

  it('draws independently under another salt', () => {
    for (const [one, other] of [
      ['r1', 'r2'],
      ['0198c7a0-0000-7000-8000-000000000001', '0198c7a0-0000-7000-8000-000000000002'],
    ] as const) {
      const both = keys.filter(
        key =>
          chooseArm(split(30, one), key).role === 'candidate' &&
          chooseArm(split(30, other), key).role === 'candidate',
      ).length
      expect(Math.abs(both / keys.length - 0.09)).toBeLessThan(bound(0.09, keys.length))
    }
  })

  it('refuses a plan that serves nothing', () => {
    expect(() => chooseArm({ salt: 's', arms: [] }, 'k')).toThrow(RangeError)
  })
})

describe('isMirrored', () => {
  it('takes its sample of all keys, whichever arm answers them', () => {
    const arm = shadow(3, 20)
    const plan = split(50, 'm', [arm])
    for (const role of ['stable', 'candidate']) {
      const answered = keys.filter(key => chooseArm(plan, key).role === role)
      const share = answered.filter(key => isMirrored(plan, arm, key)).length / answered.length
      expect(Math.abs(share - 0.2)).toBeLessThan(bound(0.2, answered.length))
    }
  })

  it('never scores a row with the version that answers it, and grows with its sample', () => {
    const sample = fc.double({ min: 0.001, max: 100, noNaN: true })
    fc.assert(
      fc.property(fc.string(), percent, sample, sample, (key, weight, one, other) => {
        const [small, large] = [shadow(2, Math.min(one, other)), shadow(2, Math.max(one, other))]
        const plan = split(weight, 'm', [large])
        if (isMirrored(plan, large, key)) expect(chooseArm(plan, key).version).toBe(1)
        if (isMirrored(plan, small, key)) expect(isMirrored(plan, large, key)).toBe(true)
      }),
    )
  })

  it('is for shadows only', () => {
    const plan = split(50)
    expect(plan.arms.some(arm => isMirrored(plan, arm, 'k'))).toBe(false)
  })
})
