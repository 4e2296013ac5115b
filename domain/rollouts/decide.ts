import { type Assessment, combine } from './assess.js'
import type { Observation } from './observation.js'
import { candidateWeight } from './plans.js'
import { runStep } from './run-step.js'
import { settle } from './settle.js'
import { advance, goBack, move, type RolloutState } from './state.js'
import { watchingGates } from './steps.js'
import { type Action, ask, assessAll, type DecisionEntry, evidenceOf, note, type Turn } from './turn.js'

export interface Decision {
  readonly state: RolloutState
  readonly action: Action
  /** What happened on the way to this action, for the decision log. */
  readonly entries: readonly DecisionEntry[]
  /** What the gates say at present, for live detail. */
  readonly assessments: readonly Assessment[]
}

/**
 * What a rollout does next, given all that is known: the same state and observation always give the same
 * answer, and nothing is lost by asking twice. The shell keeps the returned state, carries the action out,
 * observes and asks again. Rules:
 *
 * - Weight moves only forward, one step at a time, after evidence, a timer or a person; never in a freeze
 *   window, and never before every live replica has the candidate ready.
 * - A gate that fails while both arms have rows rolls back from every state, paused and held too.
 * - A deadline without a verdict holds the rollout. Nothing passes for lack of evidence.
 * - The way back is always open and is tried until the replicas have it; the stable arm leaves the plan only
 *   with the promotion.
 *
 * Deadlines are wall clock, whatever the event time of the rows.
 */
export function decide(state: RolloutState, seen: Observation): Decision {
  const entries: DecisionEntry[] = []
  let current = state
  for (;;) {
    const turn = next(current, seen)
    const { step } = current
    entries.push(...turn.entries.map(entry => ({ ...entry, step })))
    current = turn.state
    if (turn.action)
      return { state: current, action: turn.action, entries, assessments: watch(current, seen) }
  }
}

function next(state: RolloutState, seen: Observation): Turn {
  const { issuing, status } = state
  const { now } = seen
  const harm = harmTurn(state, seen)
  if (harm) return harm
  if (issuing) {
    if (seen.issue?.id === issuing.id) return settle(state, issuing, seen.issue, now)
    const { id, purpose, plan, retryAt } = issuing
    if (retryAt !== null && now < retryAt) {
      return ask(state, { kind: 'wait', until: retryAt, for: 'the next try to issue the plan' })
    }
    return ask(state, { kind: 'setPlan', issue: id, purpose, plan })
  }
  switch (status) {
    case 'pending':
      return note(move(state, 'running', { stepStartedAt: now }), now, `${state.plan.strategy} begins`)
    case 'running':
      return runStep(state, seen)
    case 'paused':
      return paused(state, now)
    case 'waiting_approval':
      return ask(state, { kind: 'wait', until: null, for: 'approval' })
    case 'held':
      return ask(state, { kind: 'wait', until: null, for: `a person: ${state.reason ?? 'held'}` })
    case 'promoting':
      return seen.promoted === true
        ? note(move(state, 'promoted'), now, `version ${state.plan.candidate} is champion`)
        : ask(state, { kind: 'promote', version: state.plan.candidate })
    case 'rolling_back':
      return note(move(state, 'rolled_back'), now, `rolled back: ${state.reason}`)
    case 'aborting':
      return note(move(state, 'aborted'), now, `aborted: ${state.reason}`)
    case 'promoted':
    case 'reported':
    case 'rolled_back':
    case 'aborted':
    case 'failed':
      return ask(state, { kind: 'finish', status, reason: state.reason })
  }
}

/** A pause of a person ends by verb, one of the plan by its time or by verb. */
function paused(state: RolloutState, now: number): Turn {
  const step = state.plan.steps[state.step]
  if (state.pausedAt !== null || step?.kind !== 'pause') {
    return ask(state, { kind: 'wait', until: null, for: 'resume' })
  }
  if (step.seconds === null) return ask(state, { kind: 'wait', until: null, for: 'promote' })
  const until = (state.stepStartedAt ?? now) + step.seconds * 1000
  if (now < until) return ask(state, { kind: 'wait', until, for: 'the end of the pause' })
  return note(advance(move(state, 'running'), now), now, `${step.seconds} s are over`)
}

const WATCHED = ['running', 'paused', 'waiting_approval', 'held']

/** Harm is acted on whatever the rollout waits for, as long as its rows are split between two arms. */
function harmTurn(state: RolloutState, seen: Observation): Turn | null {
  const weight = candidateWeight(state.routing)
  if (!WATCHED.includes(state.status) || weight === 0 || weight === 100) return null
  const assessments = watch(state, seen)
  if (combine(assessments) !== 'fail') return null
  const reason = assessments
    .filter(each => each.verdict === 'fail')
    .map(each => each.reason)
    .join('; ')
  const judged = { verdict: 'fail' as const, assessments, evidence: evidenceOf(state, seen) }
  return note(goBack(state, 'rolling_back', reason), seen.now, reason, judged)
}

function watch(state: RolloutState, seen: Observation): Assessment[] {
  return assessAll(watchingGates(state.plan, state.step), evidenceOf(state, seen))
}
