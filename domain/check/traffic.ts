import { describeArms } from '../rollouts/plans.js'
import type { RolloutSpec } from '../rollouts/spec.js'
import type { PlanArm } from '../routing/plan.js'
import { validatePlan } from '../routing/validate-plan.js'
import { isOpen } from '../runs/run-status.js'
import type { CheckProblem, StackFacts } from './facts.js'
import { rolloutEnd, rolloutsOf } from './rollouts.js'
import type { DeploymentFacts, PlanFacts } from './serving-facts.js'

/** A replica that reports, but has not taken the plan in force for this long, has something in its way. */
const BEHIND_SECONDS = 30
/** A replica that has not reported for this long is gone, and nobody waits for it. */
const ALIVE_SECONDS = 10

/** The plans that decide traffic, and the replicas that answer by them. */
export function checkTraffic(facts: StackFacts): CheckProblem[] {
  return facts.deployments.flatMap(deployment => {
    const plans = facts.plans.filter(plan => plan.deploymentId === deployment.id)
    return [
      ...gaps(deployment, plans),
      ...plans.flatMap(plan => [...invalid(deployment, plan), ...versions(facts, deployment, plan)]),
      ...trialLeft(facts, deployment, plans.at(-1)),
      ...behind(facts, deployment, plans.at(-1)),
    ]
  })
}

function gaps({ name }: DeploymentFacts, plans: readonly PlanFacts[]): CheckProblem[] {
  const revisions = plans.map(plan => plan.revision)
  if (revisions.every((revision, i) => revision === i + 1)) return []
  const message = `The revisions of its plans are ${revisions.join(', ')}; they must be 1 to ${revisions.length}. Rows were deleted or added by hand: restore a backup.`
  return [{ code: 'plan_gap', at: `deployment ${name}`, message }]
}

function invalid({ name }: DeploymentFacts, { revision, plan }: PlanFacts): CheckProblem[] {
  return validatePlan(plan).map(({ at, message }) => ({
    code: 'plan_invalid',
    at: `deployment ${name} plan ${revision}`,
    message: `${at} ${message} No rollout issues such a plan: report this, and start an instant rollout to a version that serves well.`,
  }))
}

/** Each arm's version is registered, and the plan has what a replica needs to serve just that. */
function versions(facts: StackFacts, { project, name, model }: DeploymentFacts, row: PlanFacts) {
  const at = `deployment ${name} plan ${row.revision}`
  const modelId = facts.models.find(each => each.project === project && each.name === model)?.id
  const numbers = new Set(row.plan.arms.map(arm => arm.version))
  return [...numbers].flatMap((version): CheckProblem[] => {
    const registered = facts.modelVersions.find(each => each.modelId === modelId && each.version === version)
    const served = row.versions.find(each => each.version === version && each.model === model)
    if (registered === undefined || served === undefined) {
      const message =
        registered === undefined
          ? `Version ${version} of model ${model} is in it, but not registered. Rows were deleted by hand: restore a backup.`
          : `It does not say where version ${version} is, so no replica can serve it. Start an instant rollout to a version that serves well, and report this.`
      return [{ code: 'plan_version_missing', at, message }]
    }
    const wanted = registered.artifacts['model.onnx']?.sha256
    if (served.onnx.sha256 === wanted) return []
    const message = `It serves version ${version} with content ${served.onnx.sha256}; ${wanted ?? 'none'} is registered. One was changed by hand: restore a backup.`
    return [{ code: 'plan_version_differs', at, message }]
  })
}

/** A rollout that has ended leaves the stable version alone, but for one that a blue-green promotion keeps warm. */
function trialLeft(facts: StackFacts, deployment: DeploymentFacts, newest?: PlanFacts): CheckProblem[] {
  const trial = newest?.plan.arms.filter(arm => arm.role !== 'stable') ?? []
  if (newest === undefined || trial.length === 0) return []
  if (rolloutsOf(facts, deployment).some(run => isOpen(run.status))) return []
  if (isKeptPrevious(facts, newest, trial)) return []
  const message = `No rollout is open, but plan ${newest.revision} of rollout ${newest.rolloutId} still has ${describeArms(trial)}. The next rollout takes it back: start an instant one to the version that is to serve.`
  return [{ code: 'trial_left', at: `deployment ${deployment.name}`, message }]
}

function isKeptPrevious(facts: StackFacts, { rolloutId }: PlanFacts, trial: readonly PlanArm[]): boolean {
  const rollout = facts.runs.find(run => run.id === rolloutId)
  if (rollout === undefined || rolloutEnd(rollout)?.rollout !== 'promoted') return false
  const { strategy } = rollout.request as RolloutSpec
  return strategy.kind === 'blueGreen' && trial.every(arm => arm.role === 'candidate' && arm.weight === 0)
}

function behind(facts: StackFacts, { id, name }: DeploymentFacts, newest?: PlanFacts): CheckProblem[] {
  if (newest === undefined) return []
  const age = (time: Date) => (facts.now.getTime() - time.getTime()) / 1000
  if (age(newest.createdAt) < BEHIND_SECONDS) return []
  return facts.replicas
    .filter(({ deploymentId, revision, seenAt }) => {
      return deploymentId === id && age(seenAt) < ALIVE_SECONDS && revision < newest.revision
    })
    .map(({ replica, address, revision, problem }) => ({
      code: 'replica_behind',
      at: `replica ${replica}`,
      message: `It answers for deployment ${name} by plan ${revision} at ${address}, though ${newest.revision} has been in force for over ${BEHIND_SECONDS} s${problem === null ? '' : `: ${problem}`}. Look at its log; restart it if it does not get on.`,
    }))
}
