import type { DeploymentSummary, Plan, Replica } from '../../contracts/rest/deployments.js'
import type { Deployment, RoutingPlanRow, ServingReplica } from '../../stores/postgres/entities/deployment.js'

export function summaryView(deployment: Deployment, plan: RoutingPlanRow | null): DeploymentSummary {
  const { name, model, principal, createdAt } = deployment
  return { name, model, principal, createdAt: createdAt.toISOString(), plan: plan && planView(plan) }
}

export function planView({ revision, plan, reason, rolloutId, createdAt }: RoutingPlanRow): Plan {
  return {
    revision,
    arms: plan.arms.map(arm => ({ ...arm })),
    reason,
    rolloutId,
    createdAt: createdAt.toISOString(),
  }
}

export function replicaView({ replica, address, revision, problem, seenAt }: ServingReplica): Replica {
  return { id: replica, address, revision, problem, seenAt: seenAt.toISOString() }
}
