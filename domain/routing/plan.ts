/** What a version is to a deployment: what serves, what may come to serve, what only scores copies of rows. */
export type ArmRole = 'stable' | 'candidate' | 'shadow'

/** One version in a plan. A replica loads every arm's model before it takes the plan. */
export interface PlanArm {
  readonly version: number
  readonly role: ArmRole
  /** Percent of keys this version answers, whole, 0 to 100; 0 for shadows. */
  readonly weight: number
  /** Shadows only: percent of keys whose rows are scored a second time, above 0 and at most 100. */
  readonly sample?: number
}

/**
 * How a deployment splits its traffic: the only thing that decides it. One stable arm, at most one
 * candidate (weight 0 while it gets ready), any number of shadows. A version may be candidate and shadow
 * at once: it then also scores rows that the stable arm answered, and both scores form one pair.
 */
export interface RoutingPlan {
  readonly arms: readonly PlanArm[]
  /**
   * Decides which keys go where. A rollout uses its own id for all its plans: keys stay with their arm
   * while it lasts, and another rollout draws anew, so that the same few keys do not meet every candidate.
   */
  readonly salt: string
}

/** The arm of the version that serves, and to which everything can return. */
export function stableArm(plan: RoutingPlan): PlanArm | undefined {
  return plan.arms.find(arm => arm.role === 'stable')
}

/** The same keys with the stable version alone: what is left when a rollout is over that did not take its trial back. */
export function stableOnly({ arms, salt }: RoutingPlan): RoutingPlan {
  return { salt, arms: arms.filter(arm => arm.role === 'stable').map(arm => ({ ...arm, weight: 100 })) }
}

/** The arm of the version on trial, if there is one. */
export function candidateArm(plan: RoutingPlan): PlanArm | undefined {
  return plan.arms.find(arm => arm.role === 'candidate')
}
