import { MlforgeError } from '../domain/errors.js'
import { decideFollowing, type Following } from '../domain/rollouts/following.js'
import type { RolloutSpec } from '../domain/rollouts/spec.js'
import { stableArm } from '../domain/routing/plan.js'
import { NOT_RETRIED } from '../domain/runs/retry-policy.js'
import { derivedId } from '../stores/ids.js'
import type { Deployment } from '../stores/postgres/entities/deployment.js'
import type { AliasChange } from '../stores/postgres/entities/model.js'
import { beatWhile } from './heartbeats.js'
import type { Ports } from './ports.js'

export interface FollowResult {
  /** Deployments that follow an alias. */
  readonly followed: number
  /** Ids of rollouts that were started. */
  readonly started: readonly string[]
}

type FollowingPorts = Pick<Ports, 'runs' | 'models' | 'deployments'>

/** Rollouts that moves of aliases ask for. */
export function followingActivities({ runs, models, deployments }: FollowingPorts) {
  return {
    /**
     * Looks at what is there instead of being told of moves: one that was made while nobody looked, or
     * while another rollout was open, is seen by a later tick. A rollout's id follows from its move.
     */
    async followAliases({ project }: { project: string }): Promise<FollowResult> {
      return beatWhile('following aliases', async () => {
        const following = await deployments.following(project)
        const started: string[] = []
        for (const deployment of following) {
          const id = await follow(deployment, deployment.following!)
          if (id !== null) started.push(id)
        }
        return { followed: following.length, started }
      })
    },
  }

  async function follow(deployment: Deployment, following: Following): Promise<string | null> {
    const { id, project, model, name } = deployment
    const { items } = await models.aliasHistory(project, model, following.alias, { limit: 1 })
    const [change] = items
    if (!change) return null
    const rolloutId = derivedId(id, 'follow', change.id)
    const plan = await deployments.plan(id)
    const decision = decideFollowing({
      move: { id: change.id, version: change.toVersion },
      stable: (plan && stableArm(plan.plan)?.version) ?? null,
      tried: (await runs.find(project, rolloutId)) !== null,
      open: (await runs.openRollout(project, name))?.id ?? null,
    })
    if (decision.do === 'nothing') return null
    try {
      await runs.accept({
        id: rolloutId,
        project,
        kind: 'rollout',
        name,
        request: specOf(deployment, following, change, decision.version),
        principal: change.principal,
        trigger: 'alias',
        // What went wrong was taken back; going forward again is for somebody to decide.
        retryPolicy: NOT_RETRIED,
      })
      return rolloutId
    } catch (error) {
      // Somebody was faster; the next tick sees what that came to.
      if (error instanceof MlforgeError && error.code === 'rollout_in_progress') return null
      throw error
    }
  }
}

export type FollowingActivities = ReturnType<typeof followingActivities>

function specOf(
  { name, model }: Deployment,
  { alias, strategy }: Following,
  { reason }: AliasChange,
  version: number,
): RolloutSpec {
  return {
    deployment: name,
    model,
    candidate: { version },
    strategy,
    force: null,
    reason: `follows alias ${alias}: ${reason}`,
  }
}
