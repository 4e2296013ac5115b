import type { Problem } from '../errors.js'
import type { PlanArm, RoutingPlan } from './plan.js'

/**
 * Everything that is wrong with a plan; none for a plan that may be issued. It needs a salt, exactly one
 * stable arm, at most one candidate, no version twice in traffic or twice in shadow, no shadow of the
 * stable version, whole weights that sum to 100, and a sample for shadows only.
 */
export function validatePlan(plan: RoutingPlan): Problem[] {
  const at = (index: number, field: string) => `arms[${index}].${field}`
  return [
    ...(plan.salt === '' ? [{ at: 'salt', message: 'must not be empty.' }] : []),
    ...roleProblems(plan.arms),
    ...plan.arms.flatMap((arm, index) => armProblems(arm, field => at(index, field))),
    ...duplicateProblems(plan.arms, at),
    ...sumProblems(plan.arms),
  ]
}

function roleProblems(arms: readonly PlanArm[]): Problem[] {
  const stable = arms.filter(arm => arm.role === 'stable').length
  const candidates = arms.filter(arm => arm.role === 'candidate').length
  return [
    ...(stable === 1 ? [] : [{ at: 'arms', message: `has ${stable} stable arms; give exactly one.` }]),
    ...(candidates <= 1 ? [] : [{ at: 'arms', message: `has ${candidates} candidates; give at most one.` }]),
  ]
}

function armProblems(arm: PlanArm, at: (field: string) => string): Problem[] {
  const problems: Problem[] = []
  if (!Number.isSafeInteger(arm.version) || arm.version < 1) {
    problems.push({ at: at('version'), message: `${arm.version} is not a version number of 1 or more.` })
  }
  if (!Number.isInteger(arm.weight) || arm.weight < 0 || arm.weight > 100) {
    problems.push({ at: at('weight'), message: `${arm.weight} is not a whole percentage of 0 to 100.` })
  }
  if (arm.role !== 'shadow') {
    if (arm.sample !== undefined) {
      problems.push({ at: at('sample'), message: `is for shadows, not for a ${arm.role}.` })
    }
    return problems
  }
  if (arm.weight !== 0) {
    problems.push({ at: at('weight'), message: `is ${arm.weight}; a shadow answers no rows: give 0.` })
  }
  if (arm.sample === undefined || !(arm.sample > 0 && arm.sample <= 100)) {
    problems.push({ at: at('sample'), message: `${arm.sample} is not a percentage above 0 and at most 100.` })
  }
  return problems
}

function duplicateProblems(
  arms: readonly PlanArm[],
  at: (index: number, field: string) => string,
): Problem[] {
  return arms.flatMap((arm, index) => {
    const clash = arms.slice(0, index).find(other => other.version === arm.version && clashes(other, arm))
    if (!clash) return []
    return [{ at: at(index, 'version'), message: `${arm.version} is in the plan already, as ${clash.role}.` }]
  })
}

/** Two arms of one version go together only as candidate and shadow. */
function clashes(one: PlanArm, other: PlanArm): boolean {
  const roles = [one.role, other.role]
  return !(roles.includes('candidate') && roles.includes('shadow'))
}

function sumProblems(arms: readonly PlanArm[]): Problem[] {
  const sum = arms.reduce((total, arm) => (arm.role === 'shadow' ? total : total + arm.weight), 0)
  return sum === 100
    ? []
    : [{ at: 'arms', message: `weights of stable and candidate sum to ${sum}, not 100.` }]
}
