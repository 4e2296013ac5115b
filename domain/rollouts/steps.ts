import type { Gate } from './gates.js'

export const APPROVER_ROLES = ['admin', 'operator'] as const
export type ApproverRole = (typeof APPROVER_ROLES)[number]

/** What every strategy is made of. Durations are seconds of the wall clock. */
export type Step =
  | { readonly kind: 'preflight' }
  /** Gives the candidate this percent of keys, once every replica has it warm. */
  | { readonly kind: 'setWeight'; readonly percent: number }
  /** Lets the candidate score this percent of keys as a shadow; 0 ends it. */
  | { readonly kind: 'mirror'; readonly percent: number }
  /**
   * Goes on when all gates pass and the candidate has this many labelled units (keys) or mirrored rows.
   * Only rows of the present weights count. At the deadline without a verdict the rollout is held.
   */
  | {
      readonly kind: 'analyse'
      readonly gates: readonly Gate[]
      readonly minRows: number
      readonly deadlineSeconds: number
    }
  /** Null waits for the verb promote. */
  | { readonly kind: 'pause'; readonly seconds: number | null }
  | { readonly kind: 'approve'; readonly roles: readonly ApproverRole[] }
  /** The candidate becomes the stable version with 100 %, then the registry's champion. */
  | { readonly kind: 'promote' }

export type StepKind = Step['kind']
export type StrategyKind = 'initial' | 'canary' | 'blueGreen' | 'shadow' | 'instant'

/** A strategy compiled for two versions: the steps in order, and why some that were asked for are not there. */
export interface RolloutPlan {
  readonly strategy: StrategyKind
  readonly candidate: number
  /** The version that serves and to which everything can return; null for the first of a deployment. */
  readonly stable: number | null
  readonly steps: readonly Step[]
  readonly notes: readonly string[]
  /** How long replicas may take to get the candidate ready before the rollout is held. */
  readonly readySeconds: number
  /** The version that served before stays loaded, without weight, after the promotion. */
  readonly keepPrevious: boolean
  /** A rollback moves in a freeze window too. */
  readonly ignoresFreeze: boolean
}

/** The gates of the analysis that is next, or was last: what watches the candidate in between. */
export function watchingGates(plan: RolloutPlan, step: number): readonly Gate[] {
  const analyses = plan.steps.flatMap((each, at) =>
    each.kind === 'analyse' ? [{ at, gates: each.gates }] : [],
  )
  return (analyses.find(each => each.at >= step) ?? analyses.at(-1))?.gates ?? []
}

/** Index of a step of this kind at or after `from`, or -1. */
export function indexOfStep(plan: RolloutPlan, kind: StepKind, from = 0): number {
  return plan.steps.findIndex((step, at) => at >= from && step.kind === kind)
}
