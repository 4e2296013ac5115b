import type { RoutingPlan } from './plan.js'

/**
 * The revision since which a version answers every key, by the plans that a rollout has issued; null where
 * the last of them does not give it all traffic.
 * @param plans newest first
 */
export function fullTrafficRevision(
  plans: readonly { readonly revision: number; readonly plan: RoutingPlan }[],
  version: number,
): number | null {
  let since: number | null = null
  for (const { revision, plan } of plans) {
    if (!plan.arms.some(arm => arm.version === version && arm.role !== 'shadow' && arm.weight === 100)) break
    since = revision
  }
  return since
}
