import type { RetrainingInput, RetrainingSetOutcome } from '../contracts/temporal/incidents.js'
import { MlforgeError } from '../domain/errors.js'
import type { RetrainingPolicy } from '../domain/retraining/policy.js'
import { retrainingRequest, setStep } from '../domain/retraining/set.js'
import type { RolloutSpec } from '../domain/rollouts/spec.js'
import { NOT_RETRIED, type RetryPolicy } from '../domain/runs/retry-policy.js'
import { buildTrainingSpec, type DatasetFacts } from '../domain/training/build-spec.js'
import type { TrainingSpec } from '../domain/training/spec.js'
import { derivedId } from '../stores/ids.js'
import type { Deployment } from '../stores/postgres/entities/deployment.js'
import { runOfIncident } from '../stores/postgres/incident-store.js'
import type { Ports } from './ports.js'
import { outcomeOf } from './step.js'

/** Whose retraining it is: an incident counts its own; without a number it is a run of its own. */
export type RetrainingOwner = Omit<RetrainingInput, 'dataUntil'>

/** The run of a retraining's training or rollout: always the same for the same retraining. */
export function runOfRetraining(
  { runId, number }: Pick<RetrainingOwner, 'runId' | 'number'>,
  what: 'training' | 'rollout',
): string {
  return number === null ? derivedId(runId, what) : runOfIncident(runId, what, number)
}

/** `retraining 2 of incident <id>`, or `retraining <id>`. */
export function describeRetraining({ runId, number }: Pick<RetrainingOwner, 'runId' | 'number'>): string {
  return number === null ? `retraining ${runId}` : `retraining ${number} of incident ${runId}`
}

/** @throws MlforgeError wrong_state for a deployment without a policy */
export async function retrainingPolicyOf(
  deployments: Ports['deployments'],
  { project, name, number }: RetrainingOwner,
): Promise<{ deployment: Deployment; policy: RetrainingPolicy }> {
  const deployment = await deployments.get(project, name)
  if (deployment.retraining) return { deployment, policy: deployment.retraining }
  const then = number === null ? 'ask for the retraining again' : 'tell the incident to retrain'
  throw new MlforgeError(
    'wrong_state',
    `Deployment "${name}" has no policy to retrain by. Set one by PUT /v1/deployments/${name}/retraining, then ${then}.`,
  )
}

/** What the training of a retraining is to do, on the set that was built. */
export async function retrainingSpec(
  { deployments, datasets, ledger }: Pick<Ports, 'deployments' | 'datasets' | 'ledger'>,
  input: RetrainingInput,
): Promise<TrainingSpec> {
  const { deployment, policy } = await retrainingPolicyOf(deployments, input)
  const set = await outcomeOf<RetrainingSetOutcome>(ledger, input, setStep(input.number))
  const version = await datasets.version(input.project, set.dataset, set.version)
  const request = retrainingRequest(policy, deployment.model, set.version, input.dataUntil)
  return buildTrainingSpec(request, { ...version, name: set.dataset } as DatasetFacts)
}

/** Takes the training of a retraining on; its start is promised with it. Again, it is the same run. */
export async function acceptTraining(
  { runs, retryPolicy }: Pick<Ports, 'runs'> & { readonly retryPolicy: RetryPolicy },
  owner: RetrainingOwner,
  spec: TrainingSpec,
): Promise<{ runId: string }> {
  const { codes, maxAttempts, delaySeconds } = retryPolicy
  const { run } = await runs.accept({
    ...startedBy(owner),
    retryPolicy: { codes, maxAttempts, delaySeconds },
    id: runOfRetraining(owner, 'training'),
    kind: 'training',
    name: spec.model,
    request: spec,
  })
  return { runId: run.id }
}

/**
 * Takes the rollout of a retrained version on. Somebody else's rollout is never replaced: then nothing is,
 * and the answer names it, unless it has ended by now.
 */
export async function acceptRollout(
  { runs, deployments }: Pick<Ports, 'runs' | 'deployments'>,
  owner: RetrainingOwner,
  version: number,
): Promise<{ runId: string } | { otherRollout: string | null }> {
  const { deployment, policy } = await retrainingPolicyOf(deployments, owner)
  const spec: RolloutSpec = {
    deployment: deployment.name,
    model: deployment.model,
    candidate: { version },
    strategy: policy.strategy,
    force: null,
    reason: describeRetraining(owner),
  }
  try {
    const { run } = await runs.accept({
      ...startedBy(owner),
      id: runOfRetraining(owner, 'rollout'),
      kind: 'rollout',
      name: deployment.name,
      request: spec,
      // One that failed has taken its traffic back; who has asked for it decides what follows.
      retryPolicy: NOT_RETRIED,
    })
    return { runId: run.id }
  } catch (error) {
    if (!(error instanceof MlforgeError) || error.code !== 'rollout_in_progress') throw error
    return { otherRollout: (error.details as { rolloutId?: string }).rolloutId ?? null }
  }
}

/** What holds for a run that a retraining starts. */
function startedBy({ project, runId, number }: RetrainingOwner) {
  const trigger = number === null ? 'retraining' : 'incident'
  return { project, principal: `${trigger}:${runId}`, trigger } as const
}
