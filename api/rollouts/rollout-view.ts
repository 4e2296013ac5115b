import type { Config } from '../../config/config.js'
import type { Rollout, RolloutDecision, RolloutSummary } from '../../contracts/rest/rollouts.js'
import type { RolloutLive, RolloutResult } from '../../contracts/temporal/rollouts.js'
import { describePlan } from '../../domain/rollouts/describe-plan.js'
import type { RolloutPlan } from '../../domain/rollouts/steps.js'
import type { RoutingPlanRow } from '../../stores/postgres/entities/deployment.js'
import type { LedgerStep } from '../../stores/postgres/entities/ledger-step.js'
import type { RolloutDecision as DecisionRow } from '../../stores/postgres/entities/rollout.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { operationView } from '../runs/run-view.js'
import type { Live } from '../temporal/live-detail.js'

export function rolloutSummary(run: Run, temporal: Config['temporal']): RolloutSummary {
  const { rollout, version } = (run.result ?? {}) as Partial<RolloutResult>
  return {
    ...operationView(run, temporal),
    deployment: run.name,
    outcome: rollout ?? null,
    version: version ?? null,
  }
}

export function rolloutView(
  run: Run,
  temporal: Config['temporal'],
  steps: readonly LedgerStep[],
  traffic: readonly RoutingPlanRow[],
  live: Live | null,
): Rollout {
  const plan = compiledPlan(steps)
  const summary = rolloutSummary(run, temporal)
  return {
    ...summary,
    version: plan?.candidate ?? summary.version,
    spec: run.request,
    plan: plan ? describePlan(plan) : null,
    live: live && liveView(live.answer as RolloutLive),
    traffic: traffic.map(row => ({
      revision: row.revision,
      arms: row.plan.arms.map(arm => ({ ...arm })),
      reason: row.reason,
      createdAt: row.createdAt.toISOString(),
    })),
  }
}

/** The steps that the rollout has been compiled to, once it has begun. */
export function compiledPlan(steps: readonly LedgerStep[]): RolloutPlan | undefined {
  return steps.find(({ step }) => step === 'begin')?.outcome as RolloutPlan | undefined
}

export function decisionView({ number, at, entry }: DecisionRow): RolloutDecision {
  const { status, step, verdict, message, assessments, rows } = entry
  return {
    number,
    at: at.toISOString(),
    status,
    step,
    verdict,
    message,
    assessments: [...assessments],
    rows: { ...rows },
  }
}

function liveView({ stage, step, steps, arms, waitingFor, assessments }: RolloutLive): Rollout['live'] {
  return {
    stage,
    step: step ?? null,
    steps: steps ?? null,
    arms: (arms ?? []).map(arm => ({ ...arm })),
    waitingFor: waitingFor ?? null,
    assessments: [...(assessments ?? [])],
  }
}
