import { MlforgeError, type Problem } from '../errors.js'

/**
 * Why a step cannot work with what it is given, all of it.
 * @param before what stands before the problems in the message, for people
 */
export function inputInvalid(problems: readonly Problem[], before = ''): MlforgeError {
  const all = problems.map(({ at, message }) => `${at}: ${message}`)
  return new MlforgeError('step_input_invalid', [...(before === '' ? [] : [before]), ...all].join(' '), {
    problems,
  })
}
