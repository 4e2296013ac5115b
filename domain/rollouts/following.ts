import type { Strategy } from './strategy.js'

/** A deployment that follows an alias of its model: moving the alias starts a rollout to its version. */
export interface Following {
  readonly alias: string
  /** How each version that the alias comes to name is rolled out. */
  readonly strategy: Strategy
}

export interface FollowingSeen {
  /** The newest move of the alias; null where it has never been set. `version` is null where it was removed. */
  readonly move: { readonly id: string; readonly version: number | null } | null
  /** Version that has the traffic, or null before the first rollout. */
  readonly stable: number | null
  /** Whether this move has had its rollout, however that ended. */
  readonly tried: boolean
  /** Open rollout of the deployment, whoever started it. */
  readonly open: string | null
}

export type FollowDecision =
  | { readonly do: 'roll out'; readonly version: number; readonly move: string }
  | { readonly do: 'nothing'; readonly reason: string }

/**
 * Whether a deployment that follows an alias needs a rollout now. A move has one rollout: when its gates
 * send it back, the alias names another version than the one that serves until somebody moves either. An
 * open rollout is never replaced; the move has its turn after it, by what serves then.
 */
export function decideFollowing({ move, stable, tried, open }: FollowingSeen): FollowDecision {
  if (move === null || move.version === null) return nothing('the alias names no version')
  if (move.version === stable) return nothing(`version ${stable} serves`)
  if (tried) return nothing(`version ${move.version} has had its rollout`)
  if (open !== null) return nothing(`waits for the end of rollout ${open}`)
  return { do: 'roll out', version: move.version, move: move.id }
}

function nothing(reason: string): FollowDecision {
  return { do: 'nothing', reason }
}
