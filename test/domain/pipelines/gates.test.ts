import { describe, expect, it } from '@jest/globals'
import { answerProblem, describeGate } from '../../../domain/pipelines/gates.js'

const APPROVAL = { kind: 'approval', roles: ['admin'] } as const
const EVENT = { kind: 'event', roles: null } as const
const TIME = { kind: 'time', roles: null } as const

const by = (role: string, kind: 'approve' | 'reject' | 'release') => ({ role, answer: { kind } })

describe('an answer to a step', () => {
  it.each([
    [APPROVAL, by('admin', 'approve')],
    [APPROVAL, by('admin', 'reject')],
    [EVENT, by('operator', 'release')],
  ] as const)('is taken by %j: %j', (gate, answer) => {
    expect(answerProblem('ask', gate, undefined, answer)).toBeNull()
  })

  it.each([
    [undefined, undefined, by('admin', 'approve'), 'wrong_state', /does not wait/],
    [APPROVAL, { kind: 'reject' }, by('admin', 'approve'), 'wrong_state', /answered already: reject/],
    [APPROVAL, undefined, by('operator', 'approve'), 'forbidden', /by admin, not by operator/],
    [APPROVAL, undefined, by('admin', 'release'), 'wrong_state', /takes approve or reject/],
    [EVENT, undefined, by('admin', 'approve'), 'wrong_state', /takes release/],
    [TIME, undefined, by('admin', 'release'), 'wrong_state', /waits for a time/],
  ] as const)('is refused by %j after %j: %j', (gate, earlier, answer, code, message) => {
    expect(answerProblem('ask', gate, earlier, answer)).toEqual({
      code,
      message: expect.stringMatching(message),
    })
  })

  it('is described for people', () => {
    expect(describeGate({ kind: 'approval', roles: ['admin', 'operator'] })).toBe(
      'approval by admin or operator',
    )
    expect([describeGate(EVENT), describeGate(TIME)]).toEqual(['an event', 'a time'])
  })
})
