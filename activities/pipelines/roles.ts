import type { Problem } from '../../domain/errors.js'
import { inputInvalid } from '../../domain/pipelines/invalid-input.js'

const ROLES = ['admin', 'operator']

/** What is wrong with the roles whose answer is to count. */
export function roleProblems(roles: readonly string[]): Problem[] {
  const unknown = roles
    .filter(role => !ROLES.includes(role))
    .map(role => ({ at: 'roles', message: `"${role}" cannot answer: ${ROLES.join(' or ')}.` }))
  return roles.length > 0 ? unknown : [{ at: 'roles', message: 'names nobody who could answer.' }]
}

/** @throws MlforgeError step_input_invalid */
export function answeringRoles(roles: readonly string[]): readonly string[] {
  const problems = roleProblems(roles)
  if (problems.length > 0) throw inputInvalid(problems)
  return roles
}
