import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  validateRounds,
  validateXgboostParameters,
  XGBOOST_PARAMETERS,
} from '../../../domain/training/xgboost-parameters.js'

const check = (input: Record<string, unknown>, exactResume = true) =>
  validateXgboostParameters(input, { exactResume })

describe('XGBoost parameters', () => {
  it('are complete with their defaults, and validate again to themselves', () => {
    const { parameters, problems } = check({})
    expect(problems).toEqual([])
    expect(parameters).toMatchObject({
      objective: 'reg:squarederror',
      eta: 0.3,
      max_depth: 6,
      nthread: 1,
      seed: 0,
    })
    expect(parameters).not.toHaveProperty('base_score')
    expect(check(parameters)).toEqual({ parameters, problems: [] })
  })

  it('take the names of the sklearn interface', () => {
    const { parameters, problems } = check({
      learning_rate: 0.1,
      reg_lambda: 2,
      reg_alpha: 3,
      random_state: 4,
    })
    expect(problems).toEqual([])
    expect(parameters).toMatchObject({ eta: 0.1, lambda: 2, alpha: 3, seed: 4 })
    expect(parameters).not.toHaveProperty('learning_rate')
  })

  it('leave out what the tree method does not know', () => {
    expect(check({ tree_method: 'exact' }).parameters).not.toHaveProperty('max_bin')
    expect(check({ tree_method: 'hist' }).parameters).toHaveProperty('max_bin', 256)
    expect(check({ tree_method: 'exact', max_bin: 64 }).problems).toMatchObject([
      { at: 'parameters.max_bin', message: expect.stringMatching(/tree_method exact.*hist or approx/) },
    ])
  })

  it.each([
    [{ max_dept: 3 }, 'unknown_parameter', /max_dept .*Did you mean "max_depth"\?/],
    [{ learning_rte: 1 }, 'unknown_parameter', /Did you mean "learning_rate"\?/],
    [{ zzzzzzzz: 1 }, 'unknown_parameter', /knows\.$/],
    [{ n_estimators: 100 }, 'unknown_parameter', /beside the parameters, as rounds/],
    [{ __proto__x: 1 }, 'unknown_parameter', /__proto__x/],
    [{ constructor: 1 }, 'unknown_parameter', /constructor/],
    [{ eta: 0 }, 'parameter_out_of_range', /eta is 0, it must be a number above 0 and at most 1/],
    [{ learning_rate: 2 }, 'parameter_out_of_range', /learning_rate is 2/],
    [{ subsample: 1.01 }, 'parameter_out_of_range', /subsample is 1.01/],
    [{ max_depth: 6.5 }, 'parameter_out_of_range', /a whole number from 1 to 30/],
    [{ max_depth: '6' }, 'parameter_out_of_range', /max_depth is "6"/],
    [{ gamma: NaN }, 'parameter_out_of_range', /gamma/],
    [{ base_score: Infinity }, 'parameter_out_of_range', /base_score/],
    [{ seed: -1 }, 'parameter_out_of_range', /from 0 to 2147483647/],
    [{ tree_method: 'histt' }, 'parameter_out_of_range', /one of exact, hist, approx/],
    [{ objective: 'binary:logistic' }, 'parameter_out_of_range', /reg:squarederror/],
    [{ eta: 0.1, learning_rate: 0.1 }, 'parameter_out_of_range', /same parameter/],
    [{ eta: null }, 'parameter_out_of_range', /eta is null/],
    [{ tree_method: 'approx' }, 'not_resumable', /exact or hist/],
  ])('%j is refused', (input, code, message) => {
    expect(check(input).problems).toEqual([
      { at: expect.stringMatching(/^parameters\./), code, message: expect.stringMatching(message) },
    ])
  })

  it('allow approx where no exact resume is promised', () => {
    expect(check({ tree_method: 'approx' }, false).problems).toEqual([])
  })

  it('have all their problems named at once, in order', () => {
    const { problems } = check({ etta: 1, subsample: 0, tree_method: 'approx', max_depth: 0 })
    expect(problems.map(problem => problem.code)).toEqual([
      'unknown_parameter',
      'parameter_out_of_range',
      'parameter_out_of_range',
      'not_resumable',
    ])
  })

  it('are either known and in range, or a problem at their own place', () => {
    const names = fc.oneof(fc.constantFrom(...Object.keys(XGBOOST_PARAMETERS)), fc.string())
    fc.assert(
      fc.property(fc.dictionary(names, fc.oneof(fc.double(), fc.integer(), fc.string())), input => {
        const { parameters, problems } = check(input)
        const complained = new Set(problems.map(problem => problem.at))
        for (const [name, value] of Object.entries(input)) {
          if (!complained.has(`parameters.${name}`)) expect(parameters).toHaveProperty([name], value)
        }
        if (problems.length === 0) expect(check(parameters).problems).toEqual([])
      }),
    )
  })

  it.each([1, 2000, 100_000])('%d rounds are fine', rounds => {
    expect(validateRounds(rounds)).toBeUndefined()
  })

  it.each([0, -1, 1.5, 100_001, NaN, '200', undefined])('%p rounds are not', rounds => {
    expect(validateRounds(rounds)).toMatchObject({ at: 'rounds', code: 'parameter_out_of_range' })
  })
})
