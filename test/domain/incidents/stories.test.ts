import { describe, expect, it } from '@jest/globals'
import { parseEventTime as at } from '../../../domain/drift/event-time.js'
import { DEFAULT_INCIDENT_POLICY } from '../../../domain/incidents/incident.js'
import type { Say } from '../drift/months.js'
import { Story } from './support.js'

const breached = (count: number): Say[] => Array<Say>(count).fill('breached')
const [v1, v2, v3] = [[1], [2], [3]]

describe('the story of 2012', () => {
  it('waits for data, retrains, rolls out, observes and closes', () => {
    const story = new Story()
    expect(story.sees(breached(2))).toMatchObject({
      do: 'wait',
      for: 'data',
      message: 'waiting for data 1433/2800',
    })
    expect(story.sees(breached(3))).toMatchObject({ message: 'waiting for data 2176/2800' })
    // April's rows are there, but labels still come in: its number must not depend on when it is read.
    expect(story.sees([...breached(3), 'waiting_for_labels'])).toMatchObject({ rows: 2176, required: 2800 })
    expect(story.sees(breached(4))).toEqual({
      do: 'retrain',
      to: 'retraining',
      number: 1,
      trigger: 'automatic',
      dataFrom: at('2012-01-01'),
      dataUntil: at('2012-05-01'),
      rows: 2894,
      message: 'retraining with 2894 labelled rows until 2012-05-01T00:00:00.000Z',
    })
    expect(story.sees(breached(4))).toMatchObject({ do: 'wait', for: 'retraining' })
    const registered = { retraining: { number: 1, status: 'registered', version: 2 } } as const
    expect(story.sees(breached(4), [], registered)).toMatchObject({ do: 'roll_out', version: 2 })
    expect(story.sees(breached(5))).toMatchObject({ do: 'wait', for: 'rollout', to: 'rolling_out' })
    const completedAt = at('2012-06-20')
    const completed = { rollout: { version: 2, status: 'completed', completedAt } } as const
    expect(story.sees(breached(5), [], completed)).toMatchObject({
      do: 'observe',
      version: 2,
      from: completedAt,
    })

    const served = [v1, v1, v1, v1, [1, 2], [1, 2], v2, v2]
    const june: Say[] = [...breached(5), 'healthy']
    expect(story.sees(june, served)).toMatchObject({ do: 'wait', for: 'windows', healthy: 0, required: 2 })
    expect(story.sees([...june, 'healthy'], served)).toMatchObject({ to: 'observing', healthy: 1 })
    expect(story.sees([...june, 'healthy', 'healthy'], served)).toMatchObject({
      do: 'close',
      reason: 'fixed',
      settledUntil: at('2012-09-01'),
      evidence: { windows: ['2012-07', '2012-08'] },
      message: '2012-07 and 2012-08 without breach, with version 2',
    })
    expect(story.state).toMatchObject({ status: 'closed', settledUntil: at('2012-09-01') })
    expect(story.sees(breached(8), served)).toMatchObject({ do: 'nothing', to: 'closed' })
  })

  it('retrains with the same data when it is looked at late', () => {
    expect(new Story().sees(breached(12))).toMatchObject({
      do: 'retrain',
      rows: 2894,
      dataUntil: at('2012-05-01'),
    })
  })
})

// After it: [months seen, versions that served them, what is done, more]
const secondHalf = [
  [[...breached(3)], [v1, v1, [1, 2]], { do: 'wait', for: 'windows', healthy: 0 }],
  [
    [...breached(4)],
    [v1, v1, [1, 2], v2],
    { do: 'try_again', to: 'waiting_for_data', breached: { id: '2012-04' } },
  ],
] as const

describe('a retraining that comes too early passes its gate and fixes nothing', () => {
  it.each([
    ['asked for, with January only', 'requested', '2012-02-01', 741, DEFAULT_INCIDENT_POLICY],
    [
      'by itself, with too little data',
      'automatic',
      '2012-03-01',
      1433,
      { ...DEFAULT_INCIDENT_POLICY, requiredRows: 1400 },
    ],
  ] as const)(
    '%s: the incident stays open, and a second one closes it',
    (_what, trigger, until, rows, policy) => {
      const story = new Story(policy)
      if (trigger === 'requested') {
        story.isTold({ verb: 'retrain', by: 'ana', reason: 'now', dataUntil: at(until) })
      }
      expect(story.sees(breached(2))).toMatchObject({
        do: 'retrain',
        number: 1,
        trigger,
        rows,
        dataUntil: at(until),
      })
      story.rollsOut(breached(2), 2, '2012-03-10')
      expect(story.state.status).toBe('observing')
      for (const [said, versions, expected] of secondHalf) {
        expect(story.sees(said, versions)).toMatchObject(expected)
      }
      expect(story.sees(breached(4), [v1, v1, [1, 2], v2])).toMatchObject({
        do: 'retrain',
        number: 2,
        trigger: 'automatic',
        rows: 2894,
        dataUntil: at('2012-05-01'),
      })
      story.rollsOut(breached(5), 3, '2012-06-20')
      const [said, served] = [
        [...breached(5), 'healthy', 'healthy', 'healthy'] as Say[],
        [v1, v1, [1, 2], v2, v2, [2, 3], v3, v3],
      ]
      expect(story.sees(said.slice(0, 7), served)).toMatchObject({ do: 'wait', for: 'windows', healthy: 1 })
      expect(story.sees(said, served)).toMatchObject({ do: 'close', reason: 'fixed' })
      expect(story.state.retrainings.map(each => each.version)).toEqual([2, 3])
    },
  )

  it('and does not pass its gate: a human is asked, and the retraining they ask for closes it', () => {
    const story = new Story({ ...DEFAULT_INCIDENT_POLICY, requiredRows: 1400 })
    story.sees(breached(2))
    const evidence = { rmse: 160, limit: 152 }
    expect(
      story.sees(breached(2), [], { retraining: { number: 1, status: 'gate_refused', evidence } }),
    ).toEqual({
      do: 'escalate',
      to: 'escalated',
      reason: 'gate_refused',
      evidence,
      message: 'retraining 1 was refused by its gate',
    })
    expect(story.sees(breached(4))).toMatchObject({ do: 'wait', for: 'human', to: 'escalated' })
    story.isTold({ verb: 'retrain', by: 'ana', reason: 'April is there now' })
    expect(story.sees(breached(4))).toMatchObject({
      do: 'retrain',
      number: 2,
      trigger: 'requested',
      rows: 2894,
    })
    story.rollsOut(breached(5), 2, '2012-06-20')
    const served = [v1, v1, v1, v1, [1, 2], [1, 2], v2, v2]
    const fixed = story.sees([...breached(6), 'healthy', 'healthy'], served)
    expect(fixed).toMatchObject({ do: 'close', reason: 'fixed' })
  })

  it('twice: there is no third by itself', () => {
    const story = new Story()
    story.sees(breached(4))
    story.rollsOut(breached(5), 2, '2012-06-01')
    const served = [v1, v1, v1, v1, [1, 2], v2, v2, v3, v3, v3]
    expect(story.sees(breached(6), served)).toMatchObject({ do: 'try_again' })
    expect(story.sees(breached(6), served)).toMatchObject({
      do: 'retrain',
      number: 2,
      dataUntil: at('2012-07-01'),
    })
    story.rollsOut(breached(6), 3, '2012-08-01')
    expect(story.sees(breached(8), served)).toMatchObject({
      do: 'escalate',
      reason: 'retrainings_used',
      evidence: { window: '2012-08', version: 3, retrainings: [{ version: 2 }, { version: 3 }] },
    })
    expect(story.sees(breached(10), served)).toMatchObject({ do: 'wait', for: 'human' })
  })

  it('waits until windows end far enough after the data before', () => {
    const story = new Story({ ...DEFAULT_INCIDENT_POLICY, retrainingsApartMs: 62 * 86_400_000 })
    story.sees(breached(4))
    story.rollsOut(breached(5), 2, '2012-06-01')
    const served = [v1, v1, v1, v1, [1, 2], v2, v2]
    story.sees(breached(6), served)
    expect(story.sees(breached(6), served)).toMatchObject({
      do: 'wait',
      for: 'spacing',
      until: at('2012-07-02'),
      message: 'waiting for a window that ends at 2012-07-02T00:00:00.000Z or later',
    })
    expect(story.sees(breached(7), served)).toMatchObject({ do: 'retrain', dataUntil: at('2012-08-01') })
  })
})
