import type { Arm } from './deployments.js'
import type { Operation } from './operations.js'

export interface StartRollout {
  /** A registered version of the deployment's model. */
  version?: number
  /** Instead: a training whose model the gate refused; needs `force`, which registers it. */
  training?: string
  strategy?: RolloutStrategy
  /** An admin's reason to roll out what the gate refused; kept in the version's lineage. */
  force?: { reason: string }
  /** Why; kept with the traffic's and the alias's history. */
  reason: string
}

/** How the version comes into service; which fields belong to which kind is said with each. */
export interface RolloutStrategy {
  kind: 'canary' | 'blueGreen' | 'shadow' | 'instant'
  /** canary: weights, growing, and the labelled canary rows that each needs. */
  stops?: RolloutStop[]
  /** canary: percent of keys that are mirrored for the rank gate, 0 for none. */
  mirrorPercent?: number
  /** blueGreen: compare on mirrored rows before the switch. */
  mirror?: RolloutStop
  /** blueGreen: seconds at 100 % before the promotion; null waits for the verb promote. */
  observeSeconds?: number | null
  /** shadow: percent of keys that are mirrored. */
  percent?: number
  /** shadow: mirrored rows that the report needs. */
  minRows?: number
  /** shadow: the report is made then with what there is. */
  deadlineSeconds?: number
  gates?: RolloutGates
  /** Roles of which somebody has to approve before the promotion. */
  approve?: ('admin' | 'operator')[]
}

export interface RolloutStop {
  percent: number
  minRows: number
  deadlineSeconds?: number
}

export interface RolloutGates {
  error?: { alpha?: number; tunedAt?: number; minUnits?: number; maxIncrease?: number }
  /** Null leaves the rank gate out. */
  rank?: { minCorrelation?: number; minPairs?: number } | null
}

/** What a rollout would do, and nothing of it done. */
export interface RolloutDryRun {
  deployment: string
  candidate: number | null
  stable: number | null
  strategy: string
  lines: string[]
}

export interface RolloutSummary extends Operation {
  deployment: string
  /** How it ended, null while it is open. */
  outcome: string | null
  /** Version that is rolled out, null until it is known. */
  version: number | null
}

export interface Rollout extends RolloutSummary {
  spec: unknown
  /** The steps as people read them, null until they are compiled. */
  plan: string[] | null
  /** What the workflow says right now; null when nobody answers within a second. */
  live: RolloutLive | null
  /** The traffic's plans that it has issued, newest first. */
  traffic: { revision: number; arms: Arm[]; reason: string; createdAt: string }[]
}

export interface RolloutLive {
  stage: string
  step: number | null
  steps: number | null
  arms: Arm[]
  waitingFor: string | null
  /** What each gate says of the evidence so far. */
  assessments: unknown[]
}

/** One line of the decision log. */
export interface RolloutDecision {
  number: number
  at: string
  status: string
  step: number
  verdict: 'pass' | 'fail' | 'inconclusive' | null
  message: string
  /** Gates with sample sizes, statistic, bounds and thresholds. */
  assessments: unknown[]
  /** Hashes of the rows that were looked at. */
  rows: Record<string, string>
}

export interface PromoteRollout {
  /** All steps that are left instead of one. */
  full?: boolean
}

export interface VerbAccepted {
  rolloutId: string
  status: string
  message: string
}

/** Moves of the alias start rollouts from now on, the one that it has had last among them. */
export interface FollowAlias {
  /** Default: `champion`. */
  alias?: string
  /** How each version is rolled out; a canary with defaults where missing. */
  strategy?: RolloutStrategy
}

export interface FreezeDeployment {
  from: string
  until: string
  reason: string
}
