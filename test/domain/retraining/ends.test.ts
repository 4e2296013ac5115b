import { describe, expect, it } from '@jest/globals'
import { afterRollout, afterTraining, type Ended } from '../../../domain/retraining/ends.js'

const ended = (status: Ended['status'], more: Partial<Ended> = {}): Ended => ({
  id: 'one',
  status,
  error: null,
  version: null,
  ...more,
})
const refused = { code: 'gate_refused', message: 'no', details: { gate: { passed: false } } }

describe('the end of a training', () => {
  it('goes on with the version, or refuses with the evidence', () => {
    expect(afterTraining(ended('succeeded', { version: 3 }))).toEqual({ do: 'go_on', version: 3 })
    expect(afterTraining(ended('refused', { error: refused }))).toEqual({
      do: 'refuse',
      error: { ...refused, details: { gate: { passed: false }, training: 'one' } },
    })
  })

  it.each(['failed', 'timed_out', 'cancelled', 'terminated', 'lost', 'start_failed'] as const)(
    'is an accident when it is %s',
    status => {
      expect(afterTraining(ended(status))).toMatchObject({
        do: 'fail',
        error: {
          // No policy retries it: the next attempt would find the same.
          code: 'wrong_state',
          message: expect.stringContaining('POST /v1/trainings/one/retry'),
          details: { training: 'one', cause: status },
        },
      })
    },
  )
})

describe('the end of a run of a pipeline', () => {
  const run = (status: Ended['status'], more: Partial<Ended> = {}) =>
    afterTraining(ended(status, { kind: 'pipeline', ...more }))

  it('goes on with the version that its step has given', () => {
    expect(run('succeeded', { version: 3 })).toEqual({ do: 'go_on', version: 3 })
  })

  it('is an accident where that step has given none', () => {
    expect(run('succeeded')).toMatchObject({
      do: 'fail',
      error: { code: 'wrong_state', details: { pipelineRun: 'one', cause: 'wrong_state' } },
    })
  })

  it('says where it is looked at, retried, or why it was refused', () => {
    expect(run('failed')).toMatchObject({
      do: 'fail',
      error: {
        message: expect.stringContaining('pipeline run one ended as failed'),
        details: { pipelineRun: 'one' },
      },
    })
    expect(JSON.stringify(run('failed'))).toContain('POST /v1/pipeline-runs/one/retry')
    expect(run('refused', { error: refused })).toMatchObject({
      do: 'refuse',
      error: { code: 'gate_refused', details: { pipelineRun: 'one' } },
    })
  })
})

describe('the end of a rollout', () => {
  it('is the end of the retraining', () => {
    expect(afterRollout(ended('succeeded'), 3)).toEqual({ do: 'go_on' })
    const error = { code: 'rolled_back', message: 'harm' }
    expect(afterRollout(ended('refused', { error }), 3)).toEqual({
      do: 'refuse',
      error: { ...error, details: { rollout: 'one' } },
    })
    expect(afterRollout(ended('cancelled'), 3)).toMatchObject({
      do: 'fail',
      error: { code: 'wrong_state', message: expect.stringContaining('Version 3 is registered') },
    })
  })
})
