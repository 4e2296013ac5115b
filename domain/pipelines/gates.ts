import type { ErrorCode } from '../errors.js'

interface Gate {
  readonly kind: 'approval' | 'event' | 'time' | 'source'
  readonly roles: readonly string[] | null
  readonly needsReason?: boolean
}

interface Answer {
  readonly role: string
  readonly answer: { readonly kind: 'approve' | 'reject' | 'release'; readonly reason?: string | null }
}

/**
 * Why an answer to a step is not taken; null where it is.
 * @param gate what the step waits for, undefined where it does not wait
 * @param earlier the answer that it has had
 */
export function answerProblem(
  step: string,
  gate: Gate | undefined,
  earlier: { readonly kind: string } | undefined,
  { role, answer: { kind, reason } }: Answer,
): { readonly code: ErrorCode; readonly message: string } | null {
  if (earlier)
    return { code: 'wrong_state', message: `Step "${step}" was answered already: ${earlier.kind}.` }
  if (!gate) return { code: 'wrong_state', message: `Step "${step}" does not wait for an answer.` }
  const fits = kind === 'release' ? gate.kind === 'event' : gate.kind === 'approval'
  if (!fits) {
    const verbs = {
      approval: 'approve or reject',
      event: 'release',
      time: 'no verb: it waits for a time',
      source: 'no verb: it waits for a source',
    }
    return { code: 'wrong_state', message: `Step "${step}" takes ${verbs[gate.kind]}, not ${kind}.` }
  }
  if (gate.roles !== null && !gate.roles.includes(role)) {
    return {
      code: 'forbidden',
      message: `Step "${step}" is answered by ${gate.roles.join(' or ')}, not by ${role}.`,
    }
  }
  if (gate.needsReason !== true || kind !== 'approve' || reason?.trim()) return null
  return { code: 'invalid_request', message: `Step "${step}" is approved with a reason only: give one.` }
}

/** `approval by admin or operator`, for people. */
export function describeGate({ kind, roles }: Gate): string {
  if (kind === 'approval') return `approval by ${(roles ?? []).join(' or ')}`
  if (kind === 'source') return 'something new of its source'
  return kind === 'event' ? 'an event' : 'a time'
}
