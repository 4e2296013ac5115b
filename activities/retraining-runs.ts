import type { RetrainingInput, RetrainingSetOutcome } from '../contracts/temporal/incidents.js'
import type { PipelineRunRequest } from '../contracts/temporal/pipelines.js'
import type { StartedTraining } from '../contracts/temporal/retraining.js'
import { MlforgeError } from '../domain/errors.js'
import { resolveGiven } from '../domain/pipelines/given-parameters.js'
import { retrainingFacts, versionStep } from '../domain/retraining/pipeline.js'
import type { PipelineRetrainingPolicy, RetrainingPolicy } from '../domain/retraining/policy.js'
import { retrainingRequest, setStep } from '../domain/retraining/set.js'
import type { RolloutSpec } from '../domain/rollouts/spec.js'
import { NOT_RETRIED } from '../domain/runs/retry-policy.js'
import { buildTrainingSpec, type DatasetFacts } from '../domain/training/build-spec.js'
import type { TrainingSpec } from '../domain/training/spec.js'
import { derivedId } from '../stores/ids.js'
import type { Deployment } from '../stores/postgres/entities/deployment.js'
import type { Run } from '../stores/postgres/entities/run.js'
import { runOfIncident } from '../stores/postgres/incident-store.js'
import type { AcceptRun } from '../stores/postgres/run-acceptance.js'
import { pipelineWork, type PipelineWorkPorts, waitsItsTurn } from './pipeline-work.js'
import type { Ports } from './ports.js'
import { outcomeOf } from './step.js'

/** Whose retraining it is: an incident counts its own; without a number it is a run of its own. */
export type RetrainingOwner = Omit<RetrainingInput, 'dataUntil'>

/** The run of a retraining's training, or of its pipeline, or of its rollout: always the same for the same retraining. */
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

/** The run that is to give the version: a training on the set, or the policy's pipeline with it. */
export type RetrainingWork = Pick<AcceptRun, 'name' | 'retryPolicy' | 'priority' | 'alongside'> & {
  readonly kind: 'training' | 'pipeline'
  readonly request: TrainingSpec | PipelineRunRequest
}

/** What gives a retraining its version, on the set that was built. */
export async function retrainingWork(
  ports: PipelineWorkPorts & Pick<Ports, 'deployments' | 'ledger'>,
  input: RetrainingInput,
): Promise<RetrainingWork> {
  const { project, dataUntil } = input
  const { deployment, policy } = await retrainingPolicyOf(ports.deployments, input)
  const set = await outcomeOf<RetrainingSetOutcome>(ports.ledger, input, setStep(input.number))
  if (policy.pipeline) return workOfPipeline(ports, deployment, policy, { project, set, dataUntil })
  const version = await ports.datasets.version(project, set.dataset, set.version)
  const request = retrainingRequest(policy, deployment.model, set.version, dataUntil)
  const spec = buildTrainingSpec(request, { ...version, name: set.dataset } as DatasetFacts)
  const { codes, maxAttempts, delaySeconds } = ports.retryPolicy
  return {
    kind: 'training',
    name: spec.model,
    request: spec,
    retryPolicy: { codes, maxAttempts, delaySeconds },
  }
}

async function workOfPipeline(
  ports: PipelineWorkPorts,
  { name: deployment, model }: Deployment,
  policy: PipelineRetrainingPolicy,
  { project, set, dataUntil }: Pick<RetrainingInput, 'project' | 'dataUntil'> & { set: RetrainingSetOutcome },
): Promise<RetrainingWork> {
  const { name: pipeline, parameters: given, step: wanted } = policy.pipeline
  const facts = retrainingFacts(policy, { deployment, model }, set.version, dataUntil)
  const parameters = resolveGiven(given, 'retraining', facts)
  const { definition, work } = await pipelineWork(ports, project, { pipeline, parameters })
  const found = versionStep(definition, model, wanted)
  if (!('step' in found)) throw new MlforgeError('wrong_state', found.message)
  const retrains = { deployment, model, step: found.step }
  return { ...work, request: { ...work.request, retrains }, alongside: waitsItsTurn(definition) }
}

/**
 * What was taken on to give a retraining its version; null before that. Whoever asks again looks here first:
 * the policy and its pipeline may be others by now.
 */
export async function trainingTakenOn(
  { runs }: Pick<Ports, 'runs'>,
  owner: RetrainingOwner,
): Promise<StartedTraining | null> {
  const run = await runs.find(owner.project, runOfRetraining(owner, 'training'))
  return run && startedTraining(run)
}

/** Takes on what gives a retraining its version; its start is promised with it. Again, it is the same run. */
export async function acceptTraining(
  { runs }: Pick<Ports, 'runs'>,
  owner: RetrainingOwner,
  work: RetrainingWork,
): Promise<StartedTraining> {
  const id = runOfRetraining(owner, 'training')
  return startedTraining((await runs.accept({ ...startedBy(owner), ...work, id })).run)
}

function startedTraining({ id, kind }: Run): StartedTraining {
  return { runId: id, kind: kind === 'pipeline' ? kind : 'training' }
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
