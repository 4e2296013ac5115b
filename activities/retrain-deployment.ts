import type { RetrainingInput } from '../contracts/temporal/incidents.js'
import type { RunInput } from '../contracts/temporal/messages.js'
import type {
  PlanRetrainingOutcome,
  RetrainingRequest,
  RolloutStart,
  Skipped,
  StartRolloutInput,
  TrainingStart,
} from '../contracts/temporal/retraining.js'
import { MlforgeError } from '../domain/errors.js'
import { incidentPolicy } from '../domain/retraining/policy.js'
import type { RetryPolicy } from '../domain/runs/retry-policy.js'
import { writeSequence } from '../domain/runs/run-status.js'
import { labelledUntil } from '../stores/duckdb/predictions-labelled.js'
import { localSource } from './drift-window.js'
import { beatWhile } from './heartbeats.js'
import type { Ports } from './ports.js'
import {
  acceptRollout,
  acceptTraining,
  retrainingPolicyOf,
  retrainingWork,
  runOfRetraining,
  trainingTakenOn,
} from './retraining-runs.js'
import { withScratch } from './scratch.js'
import { onceStep } from './step.js'

type RetrainDeploymentPorts = Pick<
  Ports,
  | 'runs'
  | 'ledger'
  | 'wakes'
  | 'datasets'
  | 'suites'
  | 'pipelines'
  | 'deployments'
  | 'predictions'
  | 'labels'
  | 'incidents'
  | 'objects'
  | 'scratch'
> & { readonly retryPolicy: RetryPolicy }

/** Writes of the run's stage within an attempt: the first one says that it runs. */
const STAGES = { train: 2, roll_out: 3 } as const

/** What a retraining that is a run of its own does beside building its set. */
export function retrainDeploymentActivities(ports: RetrainDeploymentPorts) {
  const { runs, deployments, predictions, incidents, wakes, scratch } = ports

  const enter = async ({ runId, attempt }: RunInput, stage: keyof typeof STAGES) => {
    await runs.update(runId, writeSequence(attempt, STAGES[stage]), { stage })
    wakes.publish(runId)
  }

  const openIncident = async (deploymentId: string): Promise<Skipped | null> => {
    const id = await incidents.openOf(deploymentId)
    return id === null
      ? null
      : { skipped: 'incident_open', message: `incident ${id} is open: it retrains by itself` }
  }

  return {
    /**
     * Fixes which data the retraining is about, once: what somebody asked for, or the end of the labelled
     * data of now. Event times of what has come in say it, never the clock.
     */
    async planRetraining(input: RunInput): Promise<PlanRetrainingOutcome> {
      return onceStep<PlanRetrainingOutcome>(ports, input, 'plan', async () => {
        const { deployment } = await retrainingPolicyOf(deployments, { ...input, number: null })
        const skipped = await openIncident(deployment.id)
        if (skipped) return skipped
        const { dataUntil } = (await runs.get(input.project, input.runId)).request as RetrainingRequest
        const until = dataUntil ?? (await endOfLabelled(deployment.id))
        if (until !== null) return { dataUntil: until }
        const message = `deployment "${input.name}" has no labelled predictions`
        return { skipped: 'no_new_data', message }
      })
    },

    /**
     * Takes the training on, or the run of the policy's pipeline, unless one has learned from the same rows in
     * the same way: then nothing has come in since. One that failed has learned nothing.
     */
    async trainRetrained(input: RetrainingInput): Promise<TrainingStart> {
      const taken = await trainingTakenOn(ports, input)
      if (taken !== null) {
        await enter(input, 'train')
        return taken
      }
      const work = await retrainingWork(ports, input)
      const own = runOfRetraining(input, 'training')
      const known = await runs.learned(input.project, work, own)
      if (known !== null) {
        const what = work.kind === 'training' ? 'training' : 'pipeline run'
        const message = `no labelled predictions since ${what} ${known}: it has learned from the same rows`
        return { skipped: 'no_new_data', message }
      }
      await enter(input, 'train')
      return acceptTraining(ports, input, work)
    },

    /** Takes the rollout on; not beside somebody else's, and not where an incident has come first. */
    async rollOutRetrained({ version, ...input }: StartRolloutInput): Promise<RolloutStart> {
      const owner = { ...input, number: null }
      const { deployment, policy } = await retrainingPolicyOf(deployments, owner)
      await enter(input, 'roll_out')
      const own = await runs.find(input.project, runOfRetraining(owner, 'rollout'))
      if (own) return { runId: own.id }
      const skipped = await openIncident(deployment.id)
      if (skipped) return skipped
      const started = await acceptRollout(ports, owner, version)
      if ('runId' in started) return started
      const { otherRollout } = started
      if (otherRollout === null) {
        throw new MlforgeError(
          'unavailable',
          'The rollout that was in the way has just ended. It is tried again.',
        )
      }
      return { otherRollout, deadlineMs: incidentPolicy(policy.incident).rolloutDeadlineMs }
    },
  }

  async function endOfLabelled(deploymentId: string): Promise<number | null> {
    return withScratch(scratch, directory =>
      beatWhile('looking for labelled predictions', async signal => {
        const files = await predictions.files(deploymentId)
        const source = await localSource(ports, deploymentId, files, { directory, signal })
        return labelledUntil(source, { temporaryDirectory: directory, signal })
      }),
    )
  }
}

export type RetrainDeploymentActivities = ReturnType<typeof retrainDeploymentActivities>
