import { canonicalJson, type Json } from '../canonical-json.js'
import type { PlanArm } from '../routing/plan.js'
import type { StackFacts } from './facts.js'
import { latestWindows } from './monitoring.js'
import { ordered } from './ordered.js'
import { rolloutEnd, rolloutsOf } from './rollouts.js'
import type { LoggedFacts } from './serving-facts.js'

/**
 * What two stacks that served the same requests, rolled the same versions out and got the same labels have
 * in common. Not how the log was cut into segments, by which replica a request was answered, and how often
 * a window was assessed on the way; nor how many rows each version answered during a rollout, since
 * that follows from when its weights were changed.
 */
export function comparableDeployments(facts: StackFacts) {
  return ordered(
    facts.deployments.map(deployment => {
      const { id, project, name, model } = deployment
      const own = <T extends { readonly deploymentId: string }>(items: readonly T[]) =>
        items.filter(item => item.deploymentId === id)
      const [logged, labels] = [own(facts.logged)[0], own(facts.labels)[0]]
      return {
        project,
        name,
        model,
        plans: changes(own(facts.plans).map(({ plan }) => plan.arms)),
        rollouts: rolloutsOf(facts, deployment).map(run => {
          const end = rolloutEnd(run)
          return { version: end?.version ?? null, ended: end?.rollout ?? run.status }
        }),
        // Null where the files were not read.
        answered: logged === undefined ? null : idsOf(logged, ['stable', 'candidate']),
        pinned: logged === undefined ? null : idsOf(logged, ['pinned']),
        labels: labels?.labels ?? 0,
        corrections: labels?.corrections ?? 0,
        windows: latestWindows(own(facts.driftWindows)).map(
          ({ windowId: window, rows, labelled, breached }) => ({ window, rows, labelled, breached }),
        ),
        incidents: own(facts.incidents).map(({ signal, status, retrainings }) => ({
          signal,
          status,
          retrainings,
        })),
      }
    }),
  )
}

/** A plan that was issued again is one. Its salt is the id of a rollout. */
function changes(plans: readonly (readonly PlanArm[])[]): (readonly PlanArm[])[] {
  const text = (arms: readonly PlanArm[] | undefined) => canonicalJson((arms ?? null) as unknown as Json)
  return plans.filter((arms, at) => text(arms) !== text(plans[at - 1]))
}

function idsOf({ ids }: LoggedFacts, roles: readonly string[]): number {
  return ids.filter(({ role }) => roles.includes(role)).reduce((sum, { count }) => sum + count, 0)
}
