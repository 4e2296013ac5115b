import { describe, expect, it } from '@jest/globals'
import { type Assess, withAssessment } from '../../activities/assessment.js'
import type { DriftColumn } from '../../domain/drift/columns.js'
import { completePolicy } from '../../domain/drift/monitoring-policy.js'
import { compareColumn, reportWindow, type WindowFacts } from '../../domain/drift/window-report.js'
import { windowOfId } from '../../domain/drift/windows.js'

const COLUMN: DriftColumn = { name: 'temp', role: 'feature', type: 'numeric' }
const LABEL: DriftColumn = { name: 'cnt', role: 'label', type: 'categorical' }
const window = windowOfId({ every: 'month' }, '2012-01')!
const FACTS: WindowFacts = {
  deployment: 'demand',
  model: 'bike',
  window,
  policy: completePolicy(
    { quartilesOf: 'temp' },
    {
      features: [{ name: 'temp', type: 'number' }],
      target: 'cnt',
      output: { name: 'cnt' },
    },
  ),
  state: 'assessable',
  reason: 'all rows are labelled',
  watermark: window.end,
  gaps: [],
}
const numbers = (seed: number, length = 500) =>
  Float64Array.from({ length }, (_, i) => (i % 50 === 0 ? NaN : Math.sin(seed * (i + 1))))
const valuesOf = () => ({
  output: numbers(3).map(value => value || 0),
  label: numbers(4),
  version: numbers(5).fill(1),
  versions: [{ version: 1, rows: 500, share: 1 }],
  quartilesOf: numbers(6),
})
const never = new AbortController().signal

describe('the thread of a check', () => {
  it('answers as the functions do, one question after the other', async () => {
    const columns = [
      compareColumn(COLUMN, numbers(1), numbers(2)),
      compareColumn(LABEL, numbers(1), numbers(2)),
      compareColumn(COLUMN, null, numbers(2)),
      compareColumn(COLUMN, numbers(1), { absent: 'no period like it' }),
    ]
    const reference = { of: { kind: 'training' }, version: 1, ranges: [], rows: 500 } as const
    await withAssessment(never, async assess => {
      const asked = [
        assess('compareColumn', [COLUMN, numbers(1), numbers(2)]),
        assess('compareColumn', [LABEL, numbers(1), numbers(2)]),
        assess('compareColumn', [COLUMN, null, numbers(2)]),
        assess('compareColumn', [COLUMN, numbers(1), { absent: 'no period like it' }]),
      ]
      expect(await Promise.all(asked)).toEqual(columns)
      expect(await assess('reportWindow', [FACTS, valuesOf(), reference, columns])).toEqual(
        reportWindow(FACTS, valuesOf(), reference, columns),
      )
    })
  })

  it('takes columns over instead of copying them', async () => {
    const values = numbers(1)
    await withAssessment(never, assess => assess('compareColumn', [COLUMN, values, numbers(2)]))
    expect(values).toHaveLength(0)
  })

  it('fails as the functions do', async () => {
    const values = { ...valuesOf(), output: numbers(3).fill(NaN, 1, 2) }
    const reference = { of: { kind: 'training' }, absent: 'none' } as const
    const asked = withAssessment(never, assess => assess('reportWindow', [FACTS, values, reference, []]))
    await expect(asked).rejects.toMatchObject({
      code: 'label_invalid',
      message: expect.stringContaining('both must be finite'),
    })
  })

  it('ends with the work that asks, whatever it was doing', async () => {
    const cancelled = new AbortController()
    const many = () => numbers(1, 200_000)
    const work = async (assess: Assess) => {
      const asked = assess('compareColumn', [COLUMN, many(), many()])
      cancelled.abort(new Error('the worker drains'))
      return asked
    }
    await expect(withAssessment(cancelled.signal, work)).rejects.toThrow('the worker drains')
    // Nobody waits for the answer.
    const failed = withAssessment(never, async assess => {
      void assess('compareColumn', [COLUMN, many(), many()])
      throw new Error('the rows could not be read')
    })
    await expect(failed).rejects.toThrow('the rows could not be read')
  })
})
