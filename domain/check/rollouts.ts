import type { RolloutStatus } from '../rollouts/rollout-status.js'
import { stableArm } from '../routing/plan.js'
import { isOpen } from '../runs/run-status.js'
import type { CheckProblem, RunFacts, StackFacts } from './facts.js'
import type { DeploymentFacts } from './serving-facts.js'

/** How a rollout ended, as its run's result says. */
export interface RolloutEnd {
  readonly rollout: RolloutStatus
  readonly version: number
}

/** The end of a rollout that came to one by itself; undefined while it is open, and where it was stopped. */
export function rolloutEnd({ status, result }: RunFacts): RolloutEnd | undefined {
  const { rollout, version } = (result ?? {}) as Partial<RolloutEnd>
  return isOpen(status) || rollout === undefined || version === undefined ? undefined : { rollout, version }
}

/** Runs that roll out to a deployment, the oldest first. */
export function rolloutsOf(
  { runs }: Pick<StackFacts, 'runs'>,
  { project, name }: DeploymentFacts,
): RunFacts[] {
  return runs.filter(run => run.kind === 'rollout' && run.project === project && run.name === name)
}

/** Rollouts against what they promise: one at a time, traffic and champion moved, every decision logged. */
export function checkRollouts(facts: StackFacts): CheckProblem[] {
  return facts.deployments.flatMap(deployment => {
    const rollouts = rolloutsOf(facts, deployment)
    return [
      ...twice(deployment, rollouts),
      ...rollouts.flatMap(run => [
        ...withoutTraffic(facts, run),
        ...withoutChampion(facts, deployment, run),
        ...decisions(facts, run),
      ]),
    ]
  })
}

function twice({ name }: DeploymentFacts, rollouts: readonly RunFacts[]): CheckProblem[] {
  const open = rollouts.filter(run => isOpen(run.status)).map(run => run.id)
  if (open.length < 2) return []
  const message = `Rollouts ${open.join(' and ')} are open at once; only one may be. Abort all but one, and report this.`
  return [{ code: 'rollout_twice', at: `deployment ${name}`, message }]
}

/** The last plan of a promoted rollout gives its version everything. */
function withoutTraffic({ plans }: StackFacts, run: RunFacts): CheckProblem[] {
  const end = rolloutEnd(run)
  if (end?.rollout !== 'promoted') return []
  const last = plans.findLast(plan => plan.rolloutId === run.id)
  const arm = last && stableArm(last.plan)
  if (arm?.version === end.version && arm.weight === 100) return []
  const is =
    last === undefined ? 'it issued no plan' : `its last plan, ${last.revision}, does not give it all traffic`
  const message = `It ended as promoted, but version ${end.version} was not put into service: ${is}. Start an instant rollout to the version that is to serve.`
  return [{ code: 'promotion_without_traffic', at: run.id, message }]
}

/** The champion was moved to the version of a promoted rollout; what somebody did with it later is theirs. */
function withoutChampion(
  facts: StackFacts,
  { project, model }: DeploymentFacts,
  run: RunFacts,
): CheckProblem[] {
  const end = rolloutEnd(run)
  if (end?.rollout !== 'promoted' || run.endedAt === null) return []
  const [from, until] = [run.createdAt.getTime(), run.endedAt.getTime()]
  const modelId = facts.models.find(each => each.project === project && each.name === model)?.id
  const moves = facts.aliasChanges.filter(change => change.modelId === modelId && change.alias === 'champion')
  const before = moves.filter(({ at }) => at.getTime() < from)
  const during = moves.filter(({ at }) => at.getTime() >= from && at.getTime() <= until)
  const newest = before.toSorted((a, b) => a.at.getTime() - b.at.getTime()).at(-1)
  const wasThere = newest?.toVersion === end.version
  const wasMoved = during.some(({ toVersion }) => toVersion === end.version)
  const wasMovedLater = moves.some(({ at }) => at.getTime() > until)
  if (wasThere || wasMoved || wasMovedLater) return []
  const message = `It ended as promoted, but champion of model ${model} was not moved to version ${end.version}. Move it by PUT /v1/models/${model}/aliases/champion, and report this.`
  return [{ code: 'promotion_without_champion', at: run.id, message }]
}

function decisions({ decisionLogs }: StackFacts, run: RunFacts): CheckProblem[] {
  const log = decisionLogs.find(({ rolloutId }) => rolloutId === run.id)
  const problems: CheckProblem[] = []
  if (log !== undefined && (log.first !== 1 || log.last !== log.entries)) {
    const message = `Its decision log has ${log.entries} entries numbered ${log.first} to ${log.last}: some are missing. Restore a backup if they matter; what it did is in the run's history.`
    problems.push({ code: 'decision_gap', at: run.id, message })
  }
  const end = rolloutEnd(run)
  if (end !== undefined && log?.status !== end.rollout) {
    const last = log === undefined ? 'is empty' : `ends with ${log.status}`
    const message = `It ended as ${end.rollout}, but its decision log ${last}. What it did is in the run's history; report this.`
    problems.push({ code: 'decision_end', at: run.id, message })
  }
  return problems
}
