import { describe, expect, it } from '@jest/globals'
import { ERROR_CODES, type ErrorCode, isErrorCode, MlforgeError } from '../../domain/errors.js'
import { effectKey, NAME_PATTERN, workflowId } from '../../domain/names.js'

describe('names', () => {
  it.each(['a', 'bike-demand', '0', 'a.b_c', 'x'.repeat(100)])('takes %s', name => {
    expect(NAME_PATTERN.test(name)).toBe(true)
  })
  it.each(['', '-a', '.a', 'A', 'a/b', 'a b', 'a\n', 'ä', 'x'.repeat(101)])('refuses %j', name => {
    expect(NAME_PATTERN.test(name)).toBe(false)
  })

  it('begin every id with the project, and an effect with its run', () => {
    const run = { project: 'default', kind: 'training', name: 'bike', runId: 'r' } as const
    expect(workflowId(run)).toBe('default/training/bike/r')
    expect(effectKey({ runId: 'r', generation: 2 }, 'register')).toBe('r/register/g2')
  })
})

describe('error codes', () => {
  const codes = Object.keys(ERROR_CODES) as ErrorCode[]

  it('have names and statuses of errors', () => {
    expect(codes.filter(code => !/^[a-z]+(_[a-z]+)*$/.test(code))).toEqual([])
    expect(codes.filter(code => ERROR_CODES[code].http < 400 || ERROR_CODES[code].http > 599)).toEqual([])
  })

  it('try nothing again that is wrong with the request', () => {
    const wrong = codes.filter(code => [400, 401, 403, 404, 413, 415, 422].includes(ERROR_CODES[code].http))
    expect(wrong.filter(code => ERROR_CODES[code].retryable)).toEqual([])
  })

  it('are known by name, and by nothing that objects inherit', () => {
    expect(codes.every(isErrorCode)).toBe(true)
    expect([undefined, 'toString', 'constructor', 'nope', 1].some(isErrorCode)).toBe(false)
    const error = new MlforgeError('object_missing', 'gone')
    expect([error.http, error.retryable, error.name]).toEqual([500, true, 'MlforgeError'])
  })
})
