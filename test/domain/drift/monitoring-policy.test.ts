import { describe, expect, it } from '@jest/globals'
import { completePolicy, isWindowOf, type PolicyRequest } from '../../../domain/drift/monitoring-policy.js'
import { windowOfId, type WindowSpec } from '../../../domain/drift/windows.js'
import type { ModelSignature } from '../../../domain/models/signature.js'

const SIGNATURE: ModelSignature = {
  features: [
    { name: 'mnth', type: 'integer' },
    { name: 'temp', type: 'number' },
    { name: 'holiday', type: 'boolean' },
  ],
  target: 'cnt',
  output: { name: 'cnt' },
}

const problemsOf = (request: unknown): { at: string; message: string }[] => {
  try {
    completePolicy(request as PolicyRequest, SIGNATURE)
  } catch (error) {
    return (error as { details: { problems: { at: string; message: string }[] } }).details.problems
  }
  return []
}

describe('a monitoring policy', () => {
  it('is complete when nothing was said', () => {
    expect(completePolicy({}, SIGNATURE)).toEqual({
      window: { every: 'month' },
      minLabelled: 500,
      minLabelledShare: 0.95,
      breach: { maxRelativeBias: 0.2, maxWape: 0.4 },
      breachesInARow: 2,
      reference: { kind: 'sameSeason' },
      columns: [
        { name: 'cnt', role: 'label', type: 'numeric' },
        { name: 'prediction', role: 'prediction', type: 'numeric' },
        { name: 'mnth', role: 'feature', type: 'numeric' },
        { name: 'temp', role: 'feature', type: 'numeric' },
        { name: 'holiday', role: 'feature', type: 'categorical' },
      ],
    })
  })

  it('keeps what was said, and fills in the rest beside it', () => {
    const policy = completePolicy(
      {
        window: { every: 'fixed', lengthMs: 3_600_000 },
        breach: { maxWape: 0.5 },
        breachesInARow: 3,
        reference: { kind: 'trailing', windows: 4 },
        columns: [{ name: 'mnth', role: 'time' }],
        quartilesOf: 'temp',
      },
      SIGNATURE,
    )
    expect(policy).toMatchObject({
      window: { every: 'fixed', lengthMs: 3_600_000 },
      breach: { maxRelativeBias: 0.2, maxWape: 0.5 },
      breachesInARow: 3,
      reference: { kind: 'trailing', windows: 4 },
      quartilesOf: 'temp',
    })
    expect(policy.columns[2]).toEqual({ name: 'mnth', role: 'time', type: 'numeric' })
  })

  it('is refused with all that is wrong', () => {
    expect(
      problemsOf({
        window: { every: 'fixed', lengthMs: 1 },
        reference: { kind: 'trailing', windows: 0 },
        columns: [{ name: 'tmp' }, { name: 'mnth' }, { name: 'mnth' }],
        quartilesOf: 'holiday',
      }),
    ).toEqual([
      { at: 'window.lengthMs', message: expect.stringContaining('at least 60000') },
      { at: 'reference.windows', message: expect.stringContaining('whole number') },
      { at: 'columns[0].name', message: expect.stringContaining('Did you mean "temp"?') },
      { at: 'columns[2].name', message: expect.stringContaining('columns[1]') },
      { at: 'quartilesOf', message: expect.stringContaining('only numbers have quartiles') },
    ])
    expect(problemsOf({ reference: { kind: 'version', version: 1.5 } })).toMatchObject([
      { at: 'reference.version' },
    ])
    expect(problemsOf({ quartilesOf: 'tempp' })).toMatchObject([
      { at: 'quartilesOf', message: expect.stringContaining('Did you mean "temp"?') },
    ])
  })
})

describe('the id of a window', () => {
  const hour: WindowSpec = { every: 'fixed', lengthMs: 3_600_000 }
  it.each([
    [{ every: 'month' }, '2012-01', '2012-01-01T00:00:00.000Z', '2012-02-01T00:00:00.000Z'],
    [{ every: 'week' }, '2012-W05', '2012-01-30T00:00:00.000Z', '2012-02-06T00:00:00.000Z'],
    [{ every: 'day' }, '2012-02-29', '2012-02-29T00:00:00.000Z', '2012-03-01T00:00:00.000Z'],
    [hour, '2012-01-31T13:00:00.000Z', '2012-01-31T13:00:00.000Z', '2012-01-31T14:00:00.000Z'],
  ] as [WindowSpec, string, string, string][])('%j has %s', (spec, id, start, end) => {
    const window = windowOfId(spec, id)!
    expect([window.id, new Date(window.start).toISOString(), new Date(window.end).toISOString()]).toEqual([
      id,
      start,
      end,
    ])
    expect(isWindowOf({ window: spec }, window)).toBe(true)
    expect(isWindowOf({ window: { every: 'fixed', lengthMs: 7_000_000 } }, window)).toBe(false)
  })

  it.each([
    [{ every: 'month' }, '2012-13'],
    [{ every: 'month' }, '2012-01-01'],
    [{ every: 'month' }, '2012-W05'],
    [{ every: 'week' }, '2011-W53'],
    [{ every: 'week' }, '2012-01'],
    [{ every: 'day' }, '2011-02-29'],
    [{ every: 'day' }, ''],
    [hour, '2012-01-31T13:30:00.000Z'],
    [hour, '2012-01-31T13:00:00Z'],
  ] as [WindowSpec, string][])('%j has no %s', (spec, id) => {
    expect(windowOfId(spec, id)).toBeNull()
  })
})
