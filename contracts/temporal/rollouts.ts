import { defineUpdate } from '@temporalio/workflow'
import type { Assessment } from '../../domain/rollouts/assess.js'
import type { Observation } from '../../domain/rollouts/observation.js'
import type { RolloutStatus } from '../../domain/rollouts/rollout-status.js'
import type { RolloutState } from '../../domain/rollouts/state.js'
import type { StrategyKind } from '../../domain/rollouts/steps.js'
import type { DecisionEntry } from '../../domain/rollouts/turn.js'
import type { Verb } from '../../domain/rollouts/verbs.js'
import type { RoutingPlan } from '../../domain/routing/plan.js'
import type { RunEnd, RunInput } from './messages.js'

/** What was found out once and stays true; every observation has it again. */
export type RolloutFacts = Pick<Observation, 'preflight' | 'issue' | 'promoted'>

/** All that a rollout takes along when its history is cut. */
export interface CarriedRollout {
  readonly state: RolloutState
  readonly facts: RolloutFacts
  /** What the gates last made of the evidence. */
  readonly judged?: DecisionEntry
  /** Entries of the decision log that are written already. */
  readonly logged: number
  /** Answers to the latest verbs by the id of their update: the same verb again is not a second one. */
  readonly handled: readonly (readonly [id: string, answer: VerbAnswered])[]
}

export interface RolloutInput extends RunInput {
  readonly carried?: CarriedRollout
}

/** The version to roll out: registered already, or a training that the gate refused and somebody forces. */
export type Admission =
  { readonly version: number } | { readonly training: RunInput; readonly forced: ForcedRegistration }

/** Kept in the lineage of a version that was registered although its gate refused it. */
export interface ForcedRegistration {
  readonly by: string
  readonly reason: string
  readonly rolloutId: string
}

export interface LookInput extends RunInput {
  readonly stable: number | null
  readonly candidate: number
  readonly armsFrom: number | null
  readonly mirrorFrom: number | null
}

/** What is seen from outside; the workflow adds its clock and what it knows. */
export type Look = Pick<Observation, 'freezeUntil' | 'replicas' | 'split' | 'mirrored'>

export interface LookAnswer extends Look {
  /** Hash of what the look rests on: another look is worth taking once it differs. */
  readonly seen: string
}

export interface AwaitRolloutChangeInput extends LookInput {
  readonly seen: string
}

export interface SetPlanInput extends RunInput {
  /** Names the effect: the same issue again is the same plan again. */
  readonly issue: string
  readonly plan: RoutingPlan
  readonly reason: string
}

export type PlanAnswer =
  | { readonly acknowledged: true; readonly revision: number }
  | { readonly acknowledged: false; readonly reason: string }

export interface RecordDecisionsInput extends RunInput {
  /** Number of the first entry within the log of the rollout. */
  readonly first: number
  readonly entries: readonly DecisionEntry[]
  readonly stage: RolloutStatus
}

export interface RolloutLive {
  readonly stage: RolloutStatus
  readonly strategy?: StrategyKind
  readonly candidate?: number
  readonly stable?: number | null
  /** Index of the step it is at, of how many. */
  readonly step?: number
  readonly steps?: number
  /** Plan in force, as the rollout knows it. */
  readonly arms?: RoutingPlan['arms']
  readonly waitingFor?: string | null
  readonly assessments?: readonly Assessment[]
}

export interface RolloutResult extends RunEnd {
  readonly rollout: RolloutStatus
  readonly version: number
  readonly reason: string | null
  /** Answers to its latest verbs: whoever did not hear one asks again when the workflow is over. */
  readonly verbs?: CarriedRollout['handled']
}

/** A verb with the hash of the request that brought it, where the request has an Idempotency-Key. */
export type VerbOrder = Verb & { readonly bodySha256?: string }

export interface VerbAnswered {
  readonly status: RolloutStatus
  readonly message: string
  /** Of the request that was answered: another one with its key gets no answer. */
  readonly bodySha256?: string
}

/** Steers an open rollout. The id of the update is the request's Idempotency-Key. */
export const rolloutVerb = defineUpdate<VerbAnswered, [VerbOrder]>('verb')
