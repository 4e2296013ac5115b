import type { Config } from '../../config/config.js'
import type { StepRecord } from '../../contracts/rest/operations.js'
import type { Training, TrainingLive, TrainingSummary } from '../../contracts/rest/trainings.js'
import type {
  ContentRef,
  EvaluateOutcome,
  ExportOutcome,
  PrepareOutcome,
  TrainOutcome,
} from '../../contracts/temporal/messages.js'
import type { GateDecision } from '../../domain/training/gate.js'
import type { Checkpoint } from '../../stores/postgres/entities/checkpoint.js'
import type { LedgerStep } from '../../stores/postgres/entities/ledger-step.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { artifactViews } from '../http/download.js'
import { operationView, resultVersion } from '../runs/run-view.js'
import type { Live } from '../temporal/live-detail.js'

export function trainingSummary(run: Run, temporal: Config['temporal']): TrainingSummary {
  return { ...operationView(run, temporal), model: run.name, version: resultVersion(run) }
}

export function trainingView(
  run: Run,
  temporal: Config['temporal'],
  steps: readonly LedgerStep[],
  checkpoints: readonly Checkpoint[],
  live: Live | null,
): Training {
  const evaluated = outcome<EvaluateOutcome>(steps, 'evaluate')
  const gate = outcome<GateDecision>(steps, 'gate')
  return {
    ...trainingSummary(run, temporal),
    spec: run.request,
    metrics: evaluated ? structuredClone(evaluated.metrics) : null,
    gate: gate ? { passed: gate.passed, checks: [...gate.checks] } : null,
    checkpoints: checkpoints.map(({ round, sha256, bytes, createdAt }) => ({
      round,
      sha256,
      bytes: Number(bytes),
      createdAt: createdAt.toISOString(),
    })),
    resumedFromRound: outcome<TrainOutcome>(steps, 'train')?.resumedFromRound ?? null,
    steps: steps.map(stepView),
    live: live && liveView(live, checkpoints[0]?.round ?? 0),
    artifacts: artifactViews(`/v1/trainings/${run.id}`, trainingArtifacts(steps)),
  }
}

/** What the finished steps of a training have left, by the names that it will be registered under. */
export function trainingArtifacts(steps: readonly LedgerStep[]): Record<string, ContentRef> {
  const data = outcome<PrepareOutcome>(steps, 'prepare')
  const trained = outcome<TrainOutcome>(steps, 'train')
  const evaluated = outcome<EvaluateOutcome>(steps, 'evaluate')
  const exported = outcome<ExportOutcome>(steps, 'export')
  return {
    ...(trained ? { 'model.ubj': trained.model, 'training.json': trained.details } : {}),
    ...(exported ? { 'model.onnx': exported.onnx } : {}),
    ...(data ? { 'train.parquet': data.train, 'holdout.parquet': data.holdout } : {}),
    ...(evaluated ? { 'predictions.parquet': evaluated.predictions } : {}),
  }
}

function stepView({ step, generation, attempt, finishedAt, outcome: of }: LedgerStep): StepRecord {
  return { step, generation, attempt, finishedAt: finishedAt.toISOString(), outcome: of }
}

/** Outcome of a finished step; of the latest generation where it was redone. */
function outcome<T>(steps: readonly LedgerStep[], step: string): T | undefined {
  return steps.findLast(each => each.step === step)?.outcome as T | undefined
}

/** @param durable round of the newest checkpoint: heartbeats are sent in batches and may lag behind it */
function liveView({ answer, activity }: Live, durable: number): TrainingLive {
  const heartbeat = activity?.heartbeat
  return {
    stage: answer.stage,
    ...(activity ? { activityAttempt: activity.attempt } : {}),
    ...(activity?.worker === undefined ? {} : { worker: activity.worker }),
    ...(heartbeat ? { round: Math.max(heartbeat.round, durable), rounds: heartbeat.rounds } : {}),
  }
}
