import type { Observation } from './observation.js'
import { candidateWeight, isSamePlan, shadowsOf } from './plans.js'
import { advance, type Issue, issue, move, type RolloutState } from './state.js'
import { note, type Turn } from './turn.js'

const RETRY_MS = 5_000

/**
 * What an answer about a plan on its way makes of the rollout. Acknowledged: it is in force, and its step is
 * done. Not acknowledged: a way back is tried again until it is, and anything forward is undone (the plan
 * before is issued again) and held for a person.
 */
export function settle(
  state: RolloutState,
  issuing: Issue,
  answer: NonNullable<Observation['issue']>,
  now: number,
): Turn {
  const { purpose, plan } = issuing
  if (answer.acknowledged) {
    const inForce = takeInForce(state, issuing, answer.revision)
    const message = `plan revision ${answer.revision} is in force: ${weights(issuing)}`
    if (purpose === 'ready') return note({ ...inForce, stepStartedAt: now }, now, message)
    const isDone = purpose === 'step' && issuing.step === state.step
    return note(isDone ? advance(inForce, now) : inForce, now, message)
  }
  const reason = `the plan (${weights(issuing)}) was not acknowledged: ${answer.reason}`
  if (purpose === 'back' || purpose === 'restore') {
    return note(issue(state, plan, purpose, now + RETRY_MS), now, `${reason}; it is issued again`)
  }
  const held = move(state, 'held', { issuing: null, pausedAt: null, reason })
  return note(state.routing ? issue(held, state.routing, 'restore') : held, now, reason)
}

/** Counting of rows starts anew with the weights; mirrored rows count for as long as the shadow is there. */
function takeInForce(state: RolloutState, { plan, purpose }: Issue, revision: number): RolloutState {
  const weight = candidateWeight(plan)
  const isSplit = weight > 0 && weight < 100
  const isFresh = purpose === 'restore' || weight !== candidateWeight(state.routing)
  const sameShadows = isSamePlan(
    { salt: '', arms: shadowsOf(plan) },
    { salt: '', arms: shadowsOf(state.routing) },
  )
  const isMirroring = shadowsOf(plan).length > 0
  return {
    ...state,
    routing: plan,
    issuing: null,
    armsFrom: !isSplit ? null : isFresh ? revision : state.armsFrom,
    mirrorFrom: !isMirroring ? null : sameShadows ? state.mirrorFrom : revision,
  }
}

function weights({ plan }: Issue): string {
  return plan.arms
    .map(arm => `${arm.role} ${arm.version} ${arm.role === 'shadow' ? `sees ${arm.sample}` : arm.weight} %`)
    .join(', ')
}
