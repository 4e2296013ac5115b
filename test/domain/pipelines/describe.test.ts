import { describe, expect, it } from '@jest/globals'
import { describeSteps, type SeenStep } from '../../../domain/pipelines/describe.js'

const step = (name: string, state: SeenStep['state'], note?: string): SeenStep => ({ name, state, note })

describe('what people see of a run', () => {
  it('is each step with what it says, in text that stays within its cell', () => {
    expect(
      describeSteps([
        step('a', 'succeeded', 'bike@1'),
        step('b', 'failed', 'x | y\nz'),
        step('c', 'waiting'),
      ]),
    ).toEqual([
      ['steps', '1 waiting, 1 succeeded, 1 failed'],
      ['`a`', 'succeeded: bike@1'],
      ['`b`', 'failed: x \\| y z'],
      ['`c`', 'waiting'],
    ])
  })

  it('is what works and what went wrong in a large one, and never long', () => {
    const steps = Array.from({ length: 500 }, (_, i) =>
      i < 30 ? step(`r${i}`, 'running') : step(`s${i}`, i < 60 ? 'failed' : 'succeeded', 'x'.repeat(1_000)),
    )
    const rows = describeSteps(steps)
    expect(rows[0]).toEqual(['steps', '30 running, 440 succeeded, 30 failed'])
    expect(rows[1]![1]).toContain('and 20 more')
    expect(rows).toHaveLength(12)
    expect(JSON.stringify(rows).length).toBeLessThan(5_000)
  })
})
