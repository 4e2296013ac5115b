import type { ErrorCode } from '../errors.js'
import type { RolloutStatus } from './rollout-status.js'
import { isClosed } from './rollout-status.js'
import { goBack, isBeingChampion, move, type RolloutState } from './state.js'
import { type ApproverRole, indexOfStep } from './steps.js'
import { type DecisionEntry, note } from './turn.js'

/** What a person asks of a rollout, by its id. */
export type Verb = {
  readonly rolloutId: string
  /** Who asks: for the decision log. */
  readonly by: string
} & (
  | { readonly kind: 'promote'; readonly full?: boolean }
  | { readonly kind: 'pause' | 'resume' | 'abort' | 'rollback' }
  | { readonly kind: 'approve'; readonly role: ApproverRole }
)

export type VerbKind = Verb['kind']

/** Accepted with the state that follows and a line for the log, or refused with the reason. */
export type VerbAnswer =
  | { readonly accepted: true; readonly state: RolloutState; readonly entry: DecisionEntry }
  | { readonly accepted: false; readonly code: ErrorCode; readonly reason: string }

/** The wall clock, epoch milliseconds, and the end of the freeze window it lies in, if any. */
export interface VerbTime {
  readonly now: number
  readonly freezeUntil: number | null
}

const wayBack = ['pending', 'running', 'paused', 'waiting_approval', 'held', 'promoting'] as const

/** The states in which a verb can be accepted; some have more conditions. */
export const ACCEPTING = {
  promote: ['running', 'paused', 'held'],
  pause: ['pending', 'running', 'paused'],
  resume: ['paused', 'held'],
  abort: wayBack,
  rollback: wayBack,
  approve: ['waiting_approval'],
} as const satisfies Record<VerbKind, readonly RolloutStatus[]>

/** What an open rollout that cannot take a verb is doing, and what can be done instead. */
const DOING: Partial<Record<RolloutStatus, string>> = {
  pending: 'has not begun: wait, pause or abort it',
  running: 'is running: pause, promote, abort or roll it back',
  paused: 'is paused: resume, abort or roll it back',
  waiting_approval: 'waits for approval: approve, abort or roll it back',
  held: 'is held: resume, promote, abort or roll it back',
  promoting: 'is being promoted: wait until it has ended, then roll back if you must',
  rolling_back: 'is on its way back to the stable version already',
  aborting: 'is on its way back to the stable version already',
}

/**
 * Applies a verb to a rollout in any state; every verb is either accepted or refused with a reason.
 *
 * - `promote` ends the present analysis or pause of the plan, or what an analysis is held for, and goes one
 *   step on; `full` goes to the promotion. It never passes by a preflight, an approval or the ready gate,
 *   and waits for the end of a freeze by being refused.
 * - `pause` stops steps forward (harm still rolls back); `resume` goes on, after a hold with a new deadline.
 * - `abort` and `rollback` return to the stable version at once, also in a freeze.
 * - `approve` needs one of the step's roles; an admin may always approve.
 */
export function applyVerb(state: RolloutState, verb: Verb, time: VerbTime): VerbAnswer {
  const { rolloutId, status } = state
  if (verb.rolloutId !== rolloutId) {
    return refuse(`The rollout here is ${rolloutId}, not ${verb.rolloutId}.`)
  }
  if (isClosed(status)) {
    return refuse(`Rollout ${rolloutId} has ended (${status}). Start another one.`, 'rollout_closed')
  }
  const accepting: readonly RolloutStatus[] = ACCEPTING[verb.kind]
  const tooLate = isBeingChampion(state)
  if (!accepting.includes(status) || tooLate) return refuse(`Rollout ${rolloutId} ${DOING[status]}.`)
  switch (verb.kind) {
    case 'promote':
      return promote(state, verb, time)
    case 'pause':
      return pause(state, verb, time.now)
    case 'resume':
      return resume(state, verb, time.now)
    case 'abort':
    case 'rollback':
      return back(state, verb, time.now)
    case 'approve':
      return approve(state, verb, time.now)
  }
}

function promote(
  state: RolloutState,
  { by, full = false }: Extract<Verb, { kind: 'promote' }>,
  { now, freezeUntil }: VerbTime,
): VerbAnswer {
  const { plan, status } = state
  const step = plan.steps[state.step]
  if (freezeUntil !== null && now < freezeUntil && !plan.ignoresFreeze) {
    return refuse(`Frozen until ${new Date(freezeUntil).toISOString()}: promote then, or abort or roll back.`)
  }
  if (state.pausedAt !== null) return refuse('A person has paused it: resume it first.')
  if (full) {
    const end = indexOfStep(plan, 'promote')
    if (end === -1) return refuse('Its plan has no promotion: start a rollout that takes traffic.')
    if (indexOfStep(plan, 'preflight', state.step) !== -1) return refuse('The preflight has not passed yet.')
    if (indexOfStep(plan, 'approve', state.step) !== -1) return refuse('An approval is still ahead of it.')
    if (state.step === end && status === 'running') return refuse('Its promotion is under way.')
    return accept(state, goOn(state, end, now), now, `promoted in full by ${by}`)
  }
  if (step?.kind !== 'analyse' && step?.kind !== 'pause') {
    const retry = status === 'held' ? '; resume tries it again' : ''
    return refuse(`Its step ${step?.kind ?? 'end'} cannot be skipped${retry}.`)
  }
  return accept(
    state,
    goOn(state, state.step + 1, now),
    now,
    `${step.kind} of step ${state.step + 1} ended by ${by}`,
  )
}

/** Running at another step; an issue of the step before goes on and does not end this one. */
function goOn(state: RolloutState, step: number, now: number): RolloutState {
  const change = { step, stepStartedAt: now, reason: null }
  return state.status === 'running' ? { ...state, ...change } : move(state, 'running', change)
}

function pause(state: RolloutState, { by }: Verb, now: number): VerbAnswer {
  if (state.pausedAt !== null) return refuse('A person has paused it already.')
  const change = { pausedAt: now }
  const next = state.status === 'paused' ? { ...state, ...change } : move(state, 'paused', change)
  return accept(state, next, now, `paused by ${by}`)
}

function resume(state: RolloutState, { by }: Verb, now: number): VerbAnswer {
  const { status, pausedAt, stepStartedAt } = state
  if (status === 'held') return accept(state, goOn(state, state.step, now), now, `resumed by ${by}`)
  if (pausedAt === null) return refuse('Its plan pauses here: promote ends the pause.')
  const started = stepStartedAt === null ? now : Math.min(now, stepStartedAt + (now - pausedAt))
  const next = move(state, 'running', { pausedAt: null, stepStartedAt: started })
  return accept(state, next, now, `resumed by ${by}`)
}

function back(state: RolloutState, { kind, by }: Verb, now: number): VerbAnswer {
  if (kind === 'rollback' && state.plan.stable === null) {
    return refuse('It is the first of its deployment: there is no version to return to. Abort it instead.')
  }
  const reason = `${kind} by ${by}`
  return accept(state, goBack(state, kind === 'abort' ? 'aborting' : 'rolling_back', reason), now, reason)
}

function approve(
  state: RolloutState,
  { by, role }: Extract<Verb, { kind: 'approve' }>,
  now: number,
): VerbAnswer {
  const step = state.plan.steps[state.step]
  const roles = step?.kind === 'approve' ? step.roles : []
  if (role !== 'admin' && !roles.includes(role)) {
    return refuse(`Approval needs ${roles.join(' or ')}, not ${role}.`, 'forbidden')
  }
  return accept(state, goOn(state, state.step + 1, now), now, `approved by ${by} (${role})`)
}

function accept(before: RolloutState, state: RolloutState, now: number, message: string): VerbAnswer {
  const entry = note(state, now, message).entries[0]!
  return { accepted: true, state, entry: { ...entry, step: before.step } }
}

function refuse(reason: string, code: ErrorCode = 'wrong_state'): VerbAnswer {
  return { accepted: false, code, reason }
}
