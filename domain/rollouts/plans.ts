import { candidateArm, type PlanArm, type RoutingPlan } from '../routing/plan.js'
import type { RolloutPlan } from './steps.js'

/** The stable version alone, with 100 %; null for a deployment's first rollout. */
export function stablePlan(salt: string, { stable }: RolloutPlan): RoutingPlan | null {
  return stable === null ? null : { salt, arms: [{ version: stable, role: 'stable', weight: 100 }] }
}

/**
 * The candidate with this percent, the stable version with the rest; shadows stay while there are rows of
 * the stable version to score. A deployment's first version becomes the stable arm at once.
 */
export function splitPlan(
  salt: string,
  plan: RolloutPlan,
  routing: RoutingPlan | null,
  percent: number,
): RoutingPlan {
  if (plan.stable === null) return promotedPlan(salt, plan)
  const shadows = percent < 100 ? shadowsOf(routing) : []
  const arms: PlanArm[] = [
    { version: plan.stable, role: 'stable', weight: 100 - percent },
    { version: plan.candidate, role: 'candidate', weight: percent },
  ]
  return { salt, arms: [...arms, ...shadows] }
}

/** The plan in force with the candidate also as a shadow of this percent, or without it for 0. */
export function mirrorPlan(plan: RolloutPlan, routing: RoutingPlan, percent: number): RoutingPlan {
  const arms = routing.arms.filter(arm => arm.role !== 'shadow')
  const shadow: PlanArm = { version: plan.candidate, role: 'shadow', weight: 0, sample: percent }
  return { ...routing, arms: percent === 0 ? arms : [...arms, shadow] }
}

/** The candidate as the new stable version; the one before stays loaded at weight 0 where that is wanted. */
export function promotedPlan(salt: string, { candidate, stable, keepPrevious }: RolloutPlan): RoutingPlan {
  const arms: PlanArm[] = [{ version: candidate, role: 'stable', weight: 100 }]
  if (keepPrevious && stable !== null) arms.push({ version: stable, role: 'candidate', weight: 0 })
  return { salt, arms }
}

/** Percent of keys with the candidate; 0 where there is none. */
export function candidateWeight(routing: RoutingPlan | null): number {
  return (routing && candidateArm(routing)?.weight) ?? 0
}

/** Whether two plans send every key and every copy to the same versions. */
export function isSamePlan(one: RoutingPlan | null, other: RoutingPlan | null): boolean {
  const [left, right] = [one?.arms ?? [], other?.arms ?? []]
  return (
    one?.salt === other?.salt &&
    left.length === right.length &&
    left.every((arm, at) => isSameArm(arm, right[at]!))
  )
}

/** A plan's split for people. */
export function describeArms(arms: readonly PlanArm[]): string {
  return arms
    .map(({ version, role, weight, sample }) =>
      sample === undefined
        ? `version ${version} ${weight} % (${role})`
        : `version ${version} mirrors ${sample} %`,
    )
    .join(', ')
}

/** The shadow arms of a plan. */
export function shadowsOf(routing: RoutingPlan | null): readonly PlanArm[] {
  return routing?.arms.filter(arm => arm.role === 'shadow') ?? []
}

function isSameArm(one: PlanArm, other: PlanArm): boolean {
  return (
    one.version === other.version &&
    one.role === other.role &&
    one.weight === other.weight &&
    one.sample === other.sample
  )
}
