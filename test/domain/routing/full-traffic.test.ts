import { describe, expect, it } from '@jest/globals'
import { fullTrafficRevision } from '../../../domain/routing/full-traffic.js'
import type { PlanArm } from '../../../domain/routing/plan.js'

const plan = (revision: number, ...arms: PlanArm[]) => ({ revision, plan: { salt: 's', arms } })
const stable = (version: number, weight = 100): PlanArm => ({ version, role: 'stable', weight })
const candidate = (version: number, weight: number): PlanArm => ({ version, role: 'candidate', weight })

describe('the revision with all traffic', () => {
  it('is the first of the last plans that give the version everything', () => {
    const half = plan(5, stable(1, 50), candidate(2, 50))
    const all = plan(6, stable(1, 0), candidate(2, 100))
    const promoted = plan(7, stable(2), candidate(1, 0))
    expect(fullTrafficRevision([promoted, all, half], 2)).toBe(6)
    expect(fullTrafficRevision([half, plan(4, stable(1, 0), candidate(2, 100))], 2)).toBeNull()
    expect(fullTrafficRevision([promoted, half], 1)).toBeNull()
    expect(fullTrafficRevision([], 2)).toBeNull()
  })

  it('does not count copies', () => {
    const shadow: PlanArm = { version: 2, role: 'shadow', weight: 100, sample: 100 }
    expect(fullTrafficRevision([plan(1, stable(1), shadow)], 2)).toBeNull()
  })
})
