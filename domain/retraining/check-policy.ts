import type { Problem } from '../errors.js'
import { aType } from '../datasets/schema.js'
import { MlforgeError } from '../errors.js'
import { behind, isBehindSame } from '../models/replayed.js'
import type { ModelSignature } from '../models/signature.js'
import { strategyProblems } from '../rollouts/strategy.js'
import { didYouMean } from '../suggest.js'
import { buildTrainingSpec, type DatasetFacts } from '../training/build-spec.js'
import type { PipelineDefinition } from '../pipelines/definition.js'
import { pipelineProblems } from './pipeline.js'
import type { RetrainingPolicy, TrainingRetrainingPolicy } from './policy.js'
import { featuresOf, retrainingRequest } from './set.js'

/** What a policy is checked against: the newest version of its dataset, and what callers send now. */
export interface PolicyFacts {
  readonly model: string
  readonly dataset: DatasetFacts
  /** Of the version that serves; null where none does yet. */
  readonly serving: ModelSignature | null
  /** Newest version of the policy's pipeline; null for a policy that has none. */
  readonly pipeline: PipelineDefinition | null
}

/** A moment at which every holdout has whole periods. */
const SOME_TIME = Date.UTC(2001, 0, 1)

/** Stand for versions that differ. */
const SOME_VERSIONS = { candidate: 2, stable: 1 }

/**
 * Everything that would keep a retraining by this policy from ending well, as far as it can be seen
 * before there is one; empty for a policy that can be kept.
 */
export function policyProblems(policy: RetrainingPolicy, facts: PolicyFacts): Problem[] {
  const { model, dataset, serving, pipeline } = facts
  return [
    ...(policy.training
      ? [...trainingProblems(policy, facts), ...servingProblems(policy, serving)]
      : [...pipelineProblems(policy, model, pipeline!), ...targetProblems(dataset, serving)]),
    ...timeProblems(policy, dataset),
    ...strategyProblemsOf(policy),
  ]
}

function trainingProblems(policy: TrainingRetrainingPolicy, { model, dataset }: PolicyFacts): Problem[] {
  try {
    buildTrainingSpec(retrainingRequest(policy, model, dataset.version, SOME_TIME), dataset)
    return []
  } catch (error) {
    if (!(error instanceof MlforgeError)) throw error
    const problems = error.details.problems ?? [{ at: '', message: error.message }]
    return problems
      .filter(({ at }) => !at.startsWith('split'))
      .map(({ at, message }) => ({ at: `training.${at}`, message }))
  }
}

function timeProblems({ timeColumn }: RetrainingPolicy, { schema, name, version }: DatasetFacts): Problem[] {
  const at = 'timeColumn'
  const type = schema.find(column => column.name === timeColumn)?.type
  if (type === 'date' || type === 'timestamp') return []
  const hint = didYouMean(
    timeColumn,
    schema.map(column => column.name),
  )
  const message =
    type === undefined
      ? `${name} version ${version} has no column "${timeColumn}".${hint}`
      : `"${timeColumn}" is ${aType(type)}; the event time goes to a date or timestamp column.`
  return [{ at, message }]
}

/** What a retraining learns from must be in the predictions, else the new rows have nothing there. */
function servingProblems({ training }: TrainingRetrainingPolicy, serving: ModelSignature | null): Problem[] {
  if (serving === null) return []
  const known = serving.features.map(feature => feature.name)
  return [
    ...otherTransformation(training, serving),
    ...featuresOf(training)
      .filter(feature => !known.includes(feature))
      .map(feature => ({
        at: 'training.features',
        message: `Callers do not send "${feature}": the version that serves takes ${known.join(', ')}.`,
      })),
  ]
}

/** Predictions are kept with the features that the transformation of the version that serves has made. */
export function otherTransformation(
  training: TrainingRetrainingPolicy['training'],
  serving: ModelSignature,
): Problem[] {
  if (isBehindSame(training, serving)) return []
  const message = `The training is behind ${behind(training)}, and the version that serves behind ${behind(serving)}: their features are not the same figures. Name that of the version that serves.`
  return [{ at: 'training.transformation', message }]
}

/** Labels go to the column that the version that serves has learned; without it there is nothing to learn. */
function targetProblems({ schema, name, version }: DatasetFacts, serving: ModelSignature | null): Problem[] {
  if (serving === null || schema.some(column => column.name === serving.target)) return []
  const message = `${name} version ${version} has no column "${serving.target}", which the version that serves predicts: labels would go nowhere.`
  return [{ at: 'dataset', message }]
}

function strategyProblemsOf({ strategy }: RetrainingPolicy): Problem[] {
  if (strategy.kind === 'shadow') {
    return [{ at: 'strategy.kind', message: 'A shadow never takes traffic, so it ends no incident.' }]
  }
  return strategyProblems(strategy, SOME_VERSIONS).map(({ at, message }) => ({
    at: `strategy.${at}`,
    message,
  }))
}
