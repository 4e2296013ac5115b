import { setTimeout as wait } from 'node:timers/promises'
import type { RunInput } from '../contracts/temporal/messages.js'
import type {
  Admission,
  AwaitRolloutChangeInput,
  LookAnswer,
  LookInput,
  PlanAnswer,
  RecordDecisionsInput,
  SetPlanInput,
} from '../contracts/temporal/rollouts.js'
import { canonicalJson } from '../domain/canonical-json.js'
import { MlforgeError } from '../domain/errors.js'
import type { ModelSignature } from '../domain/models/signature.js'
import { effectKey } from '../domain/names.js'
import { compileStrategy } from '../domain/rollouts/compile.js'
import type { RolloutSpec } from '../domain/rollouts/spec.js'
import type { RolloutPlan } from '../domain/rollouts/steps.js'
import { stableArm } from '../domain/routing/plan.js'
import { validatePlan } from '../domain/routing/validate-plan.js'
import type { ServedVersion } from '../domain/serving/served-version.js'
import { sha256Hex } from '../stores/ids.js'
import { reads, writes } from '../stores/lineage-scope.js'
import type { ServingReplica } from '../stores/postgres/entities/deployment.js'
import type { ModelVersion } from '../stores/postgres/entities/model.js'
import { planTopic } from '../stores/redis/wake.js'
import { awaitChange } from './await-change.js'
import { beatWhile } from './heartbeats.js'
import type { Ports } from './ports.js'
import { preflightProblems } from './preflight.js'
import { arrivedRows, lookAtRows } from './rollout-rows.js'
import { withScratch } from './scratch.js'
import { onceStep } from './step.js'

type RolloutPorts = Pick<
  Ports,
  | 'runs'
  | 'ledger'
  | 'wakes'
  | 'models'
  | 'objects'
  | 'deployments'
  | 'predictions'
  | 'labels'
  | 'rollouts'
  | 'limits'
  | 'scratch'
>

/** How long replicas may take to answer by a plan before it counts as not taken. */
const ACKNOWLEDGE_MS = 30_000
const POLL_MS = 200

export function rolloutActivities(ports: RolloutPorts) {
  const { runs, models, objects, deployments, rollouts, scratch } = ports

  const specOf = async ({ project, runId }: RunInput) =>
    (await runs.get(project, runId)).request as RolloutSpec
  const deploymentOf = ({ project, name }: RunInput) => deployments.get(project, name)

  /** What a look rests on, rows aside: of these only how far they have come. */
  async function surroundings(input: LookInput) {
    const deployment = await deploymentOf(input)
    const replicas = await deployments.replicas(deployment.id)
    const newest = await deployments.plan(deployment.id)
    const ready = replicas.filter(replica => replica.revision === newest?.revision).length
    const { freeze } = deployment
    const now = Date.now()
    const isFrozen = freeze && Date.parse(freeze.from) <= now && now < Date.parse(freeze.until)
    const around = {
      freezeUntil: isFrozen ? Date.parse(freeze.until) : null,
      replicas: { live: replicas.length, ready },
    }
    const arrived = await arrivedRows(ports, deployment.id, input)
    const seen = sha256Hex(canonicalJson({ around, arrived }))
    return { deploymentId: deployment.id, around, seen }
  }

  return {
    /** What is to be rolled out: a version that is there, or a refused training that has to be registered first. */
    async admitRollout(input: RunInput): Promise<Admission> {
      const { project, runId: rolloutId } = input
      const run = await runs.get(project, rolloutId)
      const { candidate, model, force } = run.request as RolloutSpec
      if ('version' in candidate) {
        return { version: (await models.version(project, model, candidate.version)).version }
      }
      const { id: runId, name, attempt, generation } = await runs.get(project, candidate.training)
      const { limits } = ports
      const training = { project, runId, name, attempt, generation, limits }
      return { training, forced: { by: run.principal, reason: force!.reason, rolloutId } }
    },

    /**
     * The steps of the rollout, compiled once against the version that serves. Traffic that a rollout
     * before was not able to take back (terminated) is taken back here.
     */
    async beginRollout(input: RunInput & { version: number }): Promise<RolloutPlan> {
      const { id } = await deploymentOf(input)
      return onceStep<RolloutPlan>(
        ports,
        input,
        'begin',
        async () => {
          const { strategy } = await specOf(input)
          const current = await deployments.plan(id)
          const stable = current && stableArm(current.plan)
          const plan = compileStrategy(strategy, {
            candidate: input.version,
            stable: stable?.version ?? null,
          })
          return async transaction => {
            const by = { rolloutId: input.runId, effectKey: effectKey(input, 'begin') }
            await deployments.takeBack(transaction, id, by)
            return plan
          }
        },
        { hidden: true },
      )
    },

    /** Whether the version can serve; what speaks against it is the answer, not a failure. */
    async preflight(
      input: RunInput & { candidate: number; stable: number | null },
    ): Promise<{ passed: boolean; problems: string[] }> {
      const { model } = await specOf(input)
      const version = (number: number) => models.version(input.project, model, number)
      return onceStep(
        ports,
        input,
        'preflight',
        () =>
          withScratch(scratch, directory =>
            beatWhile('preflight', async signal => {
              const serving = input.stable === null ? null : await version(input.stable)
              const candidate = await version(input.candidate)
              const problems = await preflightProblems(objects, candidate, serving, { directory, signal })
              return { passed: problems.length === 0, problems }
            }),
          ),
        { hidden: true },
      )
    },

    /** Puts a plan in force and waits until every replica answers by it, or says which do not. */
    async setPlan(input: SetPlanInput): Promise<PlanAnswer> {
      const { project, runId: rolloutId, plan, reason, issue } = input
      const problems = validatePlan(plan)
      if (problems.length > 0) {
        throw new MlforgeError('internal', `The plan is wrong: ${problems[0]!.message}`, { problems })
      }
      const { id } = await deploymentOf(input)
      const { revision } = await onceStep<{ revision: number }>(
        ports,
        input,
        issue,
        async () => {
          const { model } = await specOf(input)
          const numbers = [...new Set(plan.arms.map(arm => arm.version))]
          const versions = await Promise.all(numbers.map(number => models.version(project, model, number)))
          const served = versions.map(version => servedVersion(model, version))
          return async transaction => {
            const content = { plan, versions: served, reason, rolloutId, effectKey: effectKey(input, issue) }
            const row = await deployments.issue(transaction, id, content)
            reads(...numbers.map(version => ({ kind: 'model', name: model, version }) as const))
            writes({ kind: 'deployment', name: input.name })
            return { revision: row.revision }
          }
        },
        { hidden: true },
      )
      ports.wakes.publish(planTopic(project))
      return beatWhile('acknowledgement', async signal => {
        const end = Date.now() + ACKNOWLEDGE_MS
        for (;;) {
          const replicas = await deployments.replicas(id)
          if (replicas.length > 0 && replicas.every(replica => replica.revision >= revision)) {
            return { acknowledged: true, revision }
          }
          if (Date.now() > end) return { acknowledged: false, reason: whoIsMissing(replicas, revision) }
          await wait(POLL_MS, undefined, { signal })
        }
      })
    },

    /** The state of replicas, and the rows that speak for or against the candidate. */
    async lookAtRollout(input: LookInput): Promise<LookAnswer> {
      // Before rows are read: what comes in meanwhile is a change.
      const { deploymentId, around, seen } = await surroundings(input)
      const rows = await beatWhile('look', () =>
        withScratch(scratch, directory => lookAtRows(ports, deploymentId, input, directory)),
      )
      return { ...rows, ...around, seen }
    },

    /** Ends when a look would rest on something else than the one that had seen this. */
    async awaitRolloutChange({ seen, ...input }: AwaitRolloutChangeInput): Promise<void> {
      await awaitChange(async () => (await surroundings(input)).seen, seen, input.limits)
    },

    async recordDecisions(input: RecordDecisionsInput): Promise<void> {
      await rollouts.record(input, input.first, input.entries, input.stage)
      ports.wakes.publish(input.runId)
    },

    /** The version becomes the registry's champion, with the rollout as the reason. */
    async promoteVersion(input: RunInput & { version: number }): Promise<{ version: number }> {
      const { model, reason } = await specOf(input)
      const { principal } = await runs.get(input.project, input.runId)
      return onceStep(
        ports,
        input,
        'promote',
        async () => async transaction => {
          await models.moveAliasIn(transaction, input.project, model, 'champion', {
            version: input.version,
            principal,
            reason: `rollout ${input.runId} of deployment ${input.name}: ${reason}`,
          })
          return { version: input.version }
        },
        { hidden: true },
      )
    },
  }
}

export type RolloutActivities = ReturnType<typeof rolloutActivities>

function servedVersion(model: string, row: ModelVersion): ServedVersion {
  const onnx = row.artifacts['model.onnx']
  if (!onnx) {
    throw new MlforgeError(
      'preflight_failed',
      `Version ${row.version} of model "${model}" has no ONNX export.`,
    )
  }
  const transformation = row.artifacts['transformation.json']
  return {
    model,
    version: row.version,
    signature: row.signature as ModelSignature,
    onnx,
    ...(transformation && { transformation }),
  }
}

function whoIsMissing(replicas: readonly ServingReplica[], revision: number): string {
  if (replicas.length === 0) return 'no serving replica has reported within ten seconds'
  return replicas
    .filter(replica => replica.revision < revision)
    .map(
      ({ replica, address, revision: at, problem }) =>
        `replica ${replica} (${address}) is at revision ${at}${problem === null ? '' : `: ${problem}`}`,
    )
    .join('; ')
}
