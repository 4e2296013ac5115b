import type { RoutingPlan } from '../routing/plan.js'
import { candidateArm } from '../routing/plan.js'
import { combine } from './assess.js'
import type { Observation } from './observation.js'
import { isSamePlan, mirrorPlan, promotedPlan, splitPlan } from './plans.js'
import { advance, goBack, issue, move, type RolloutState } from './state.js'
import type { Step } from './steps.js'
import { ask, assessAll, evidenceOf, note, type Turn } from './turn.js'

/** The next turn of a rollout that is running and has no plan on its way. */
export function runStep(state: RolloutState, seen: Observation): Turn {
  const { plan, routing, rolloutId } = state
  const step = plan.steps[state.step]
  if (step === undefined) return note(move(state, 'reported'), seen.now, state.reason ?? 'all steps are done')
  switch (step.kind) {
    case 'preflight':
      return preflight(state, seen)
    case 'setWeight':
      return moveTraffic(state, seen, splitPlan(rolloutId, plan, routing, step.percent), 'step')
    case 'mirror':
      return mirror(state, seen, step.percent)
    case 'analyse':
      return analyse(state, seen, step)
    case 'pause':
      return note(move(state, 'paused'), seen.now, 'the plan pauses here')
    case 'approve':
      return note(
        move(state, 'waiting_approval'),
        seen.now,
        `waits for approval by ${step.roles.join(' or ')}`,
      )
    case 'promote':
      return moveTraffic(state, seen, promotedPlan(rolloutId, plan), 'promote')
  }
}

function preflight(state: RolloutState, { preflight: result, now }: Observation): Turn {
  if (!result) return ask(state, { kind: 'preflight' })
  if (result.passed) return note(advance(state, now), now, 'preflight passed')
  const reason = `preflight failed: ${result.problems.join('; ')}`
  return note(move(state, 'failed', { reason }), now, reason)
}

function mirror(state: RolloutState, seen: Observation, percent: number): Turn {
  const { plan, routing } = state
  if (!routing) return note(advance(state, seen.now), seen.now, 'no rows to mirror')
  const target = mirrorPlan(plan, routing, percent)
  if (isSamePlan(routing, target))
    return note(advance(state, seen.now), seen.now, 'mirrored as wanted already')
  const frozen = percent > 0 ? freeze(state, seen) : null
  return frozen ?? { state: issue(state, target, 'step'), entries: [] }
}

/** Weight moves only outside a freeze, to replicas that all have the candidate loaded, within the time given. */
function moveTraffic(
  state: RolloutState,
  seen: Observation,
  target: RoutingPlan,
  purpose: 'step' | 'promote',
): Turn {
  const { plan, routing, rolloutId } = state
  const { now, replicas } = seen
  if (isSamePlan(routing, target)) {
    if (purpose === 'step') return note(advance(state, now), now, 'weights are as wanted already')
    return note(move(state, 'promoting'), now, `version ${plan.candidate} becomes champion`)
  }
  const frozen = freeze(state, seen)
  if (frozen) return frozen
  if (routing && !candidateArm(routing)) {
    return { state: issue(state, splitPlan(rolloutId, plan, routing, 0), 'ready'), entries: [] }
  }
  if (routing && (replicas.live === 0 || replicas.ready < replicas.live)) {
    const until = deadline(state, plan.readySeconds, now)
    const missing = `${replicas.ready} of ${replicas.live} replicas have version ${plan.candidate} ready`
    if (now < until) return ask(state, { kind: 'wait', until, for: missing })
    const reason = `${missing} after ${plan.readySeconds} s`
    return note(move(state, 'held', { reason }), now, reason)
  }
  const moved = purpose === 'promote' ? move(state, 'promoting') : state
  return { state: issue(moved, target, purpose), entries: [] }
}

/** A wait for the end of a freeze window; time in it does not count against replicas. */
function freeze(state: RolloutState, { now, freezeUntil }: Observation): Turn | null {
  if (freezeUntil === null || now >= freezeUntil || state.plan.ignoresFreeze) return null
  const frozen = { ...state, stepStartedAt: now }
  return ask(frozen, { kind: 'wait', until: freezeUntil, for: 'the end of the freeze window' })
}

function analyse(state: RolloutState, seen: Observation, step: Extract<Step, { kind: 'analyse' }>): Turn {
  const { now } = seen
  const evidence = evidenceOf(state, seen)
  const assessments = assessAll(step.gates, evidence)
  const onSplit = step.gates.some(gate => gate.kind === 'error' && gate.on === 'split')
  const rows = (onSplit ? evidence.split?.candidate.units : evidence.mirrored?.difference.units) ?? 0
  const gates = combine(assessments)
  const verdict = gates === 'pass' && rows < step.minRows ? 'inconclusive' : gates
  const found = [`${rows} of ${step.minRows} rows`, ...assessments.map(each => each.reason)].join('; ')
  const judged = { verdict, assessments, evidence }
  const until = deadline(state, step.deadlineSeconds, now)
  const isReport = state.plan.strategy === 'shadow'

  if (verdict === 'fail' && !isReport) {
    return note(goBack(state, 'rolling_back', found), now, found, judged)
  }
  if (verdict !== 'inconclusive' && rows >= step.minRows) {
    return note(advance({ ...state, reason: isReport ? found : null }, now), now, found, judged)
  }
  if (now < until) return ask(state, { kind: 'wait', until, for: found })
  const reason = `no verdict within ${step.deadlineSeconds} s: ${found}`
  if (isReport) return note(advance({ ...state, reason }, now), now, reason, judged)
  return note(move(state, 'held', { reason }), now, reason, judged)
}

function deadline(state: RolloutState, seconds: number, now: number): number {
  return (state.stepStartedAt ?? now) + seconds * 1000
}
