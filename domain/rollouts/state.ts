import type { RoutingPlan } from '../routing/plan.js'
import { stablePlan } from './plans.js'
import { ROLLOUT_TRANSITIONS, type RolloutStatus } from './rollout-status.js'
import type { RolloutPlan } from './steps.js'

/**
 * Why a plan is issued: to have the candidate loaded before it gets weight, as a step forward, as the
 * promotion, to put the plan before a refused one back, or to return to the stable version.
 */
export type Purpose = 'ready' | 'step' | 'promote' | 'restore' | 'back'

/** A plan on its way to the replicas. */
export interface Issue {
  /** Counts up: an answer to an earlier issue is not mistaken for one to this. */
  readonly id: number
  readonly plan: RoutingPlan
  readonly purpose: Purpose
  readonly step: number
  /** Epoch milliseconds before which it is not tried again; null for at once. */
  readonly retryAt: number | null
}

/** All that a rollout remembers: plain JSON of a few kilobytes. */
export interface RolloutState {
  readonly rolloutId: string
  readonly plan: RolloutPlan
  readonly status: RolloutStatus
  /** Index into the plan's steps. */
  readonly step: number
  /** When the step began, less the time it was paused; epoch milliseconds of the wall clock. */
  readonly stepStartedAt: number | null
  /** The plan in force: the last one acknowledged. Null before a deployment's first. */
  readonly routing: RoutingPlan | null
  readonly issuing: Issue | null
  /** Issues so far. */
  readonly issues: number
  /** Rows of this plan revision and later count in the comparison of arms; null while there is none. */
  readonly armsFrom: number | null
  /** The same for mirrored rows, from the first revision with the shadow on. */
  readonly mirrorFrom: number | null
  /** When a person paused it; null while no person has. */
  readonly pausedAt: number | null
  /** Why it is held, going back, or ended. */
  readonly reason: string | null
}

/** A rollout that has not begun: all traffic is with the version that serves. */
export function newRollout(rolloutId: string, plan: RolloutPlan): RolloutState {
  return {
    rolloutId,
    plan,
    status: 'pending',
    step: 0,
    stepStartedAt: null,
    routing: stablePlan(rolloutId, plan),
    issuing: null,
    issues: 0,
    armsFrom: null,
    mirrorFrom: null,
    pausedAt: null,
    reason: null,
  }
}

/** The state with another status. @throws RangeError for a transition that the table does not have */
export function move(
  state: RolloutState,
  status: RolloutStatus,
  change: Partial<RolloutState> = {},
): RolloutState {
  const allowed: readonly RolloutStatus[] = ROLLOUT_TRANSITIONS[state.status]
  if (!allowed.includes(status)) throw new RangeError(`a rollout that is ${state.status} cannot be ${status}`)
  return { ...state, ...change, status }
}

/** The state at its next step. */
export function advance(state: RolloutState, now: number): RolloutState {
  return { ...state, step: state.step + 1, stepStartedAt: now }
}

/** The state with a plan to be issued in place of any other on its way. */
export function issue(
  state: RolloutState,
  plan: RoutingPlan,
  purpose: Purpose,
  retryAt: number | null = null,
): RolloutState {
  const id = state.issues + 1
  return { ...state, issues: id, issuing: { id, plan, purpose, step: state.step, retryAt } }
}

/** The state on its way back to the stable version; with no plan to issue where traffic never left it. */
export function goBack(
  state: RolloutState,
  status: 'rolling_back' | 'aborting',
  reason: string,
): RolloutState {
  const moved = move(state, status, { issuing: null, pausedAt: null, reason })
  const plan = compensation(state)
  return plan ? issue(moved, plan, 'back') : moved
}

/**
 * The plan to issue when a rollout is killed, cancelled or ended early in this state, whatever is on its
 * way: the stable version with 100 %. Null when there is nothing to undo: traffic never left the stable
 * version, the rollout has ended, or it is a deployment's first (no version to return to; what was issued
 * stays). Once all replicas have acknowledged the promotion, the new version is the stable one, and this
 * gives its plan.
 */
export function compensation(state: RolloutState): RoutingPlan | null {
  const { routing, issuing, status, plan, rolloutId } = state
  if (ROLLOUT_TRANSITIONS[status].length === 0) return null
  if (isBeingChampion(state)) return routing
  const untouched = issuing === null && routing?.arms.length === 1
  return untouched ? null : stablePlan(rolloutId, plan)
}

/** True once there is no way back within this rollout: the promotion is acknowledged, the alias may have moved. */
export function isBeingChampion({ status, issuing }: RolloutState): boolean {
  return status === 'promoting' && issuing === null
}
