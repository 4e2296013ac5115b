import { murmur3 } from './murmur3.js'
import { candidateArm, type PlanArm, type RoutingPlan, stableArm } from './plan.js'

const HASHES = 2 ** 32

/**
 * The arm that answers rows with this key: the candidate when murmur3(`salt/key`), spread over [0, 100),
 * is below its weight, else the stable one. The same key always gets the same arm; while the weight
 * grows under one salt, a key that has reached the candidate stays there, and the others move only to it.
 * (Thresholds on one hash: Kohavi et al., "Controlled experiments on the web", 2009, section 4.1.)
 * @param plan one without problems (`validatePlan`)
 * @param key any text: what the caller wants to stick, such as a user or an entity
 * @throws RangeError for a plan without a stable arm
 */
export function chooseArm(plan: RoutingPlan, key: string): PlanArm {
  const candidate = candidateArm(plan)
  if (candidate && candidate.weight > 0 && isBelow(`${plan.salt}/${key}`, candidate.weight)) return candidate
  const stable = stableArm(plan)
  if (!stable) throw new RangeError('the plan has no stable arm')
  return stable
}

/**
 * Whether a shadow scores rows with this key too. Drawn apart from the split (murmur3 of
 * `salt/shadow/version/key`), so that a sample is one of all keys and not of one arm's; monotone in the
 * sample. Never for rows that the shadow's own version answers, which would be compared with itself.
 * @param shadow an arm of this plan; other roles mirror nothing
 */
export function isMirrored(plan: RoutingPlan, shadow: PlanArm, key: string): boolean {
  if (shadow.role !== 'shadow' || shadow.sample === undefined) return false
  if (!isBelow(`${plan.salt}/shadow/${shadow.version}/${key}`, shadow.sample)) return false
  return chooseArm(plan, key).version !== shadow.version
}

/** Whether a text's hash lies in the first `percent` hundredths of all hashes; exact for whole percents. */
function isBelow(text: string, percent: number): boolean {
  return murmur3(text) * 100 < percent * HASHES
}
