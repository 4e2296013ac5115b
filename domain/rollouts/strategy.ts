import type { Problem } from '../errors.js'
import type { ErrorGate, RankGate } from './gates.js'
import { APPROVER_ROLES, type ApproverRole } from './steps.js'

/** One stop of a canary: wait at this weight for this much evidence. */
export interface CanaryStop {
  /** Whole, 1 to 99, growing from stop to stop. */
  readonly percent: number
  /** Labelled canary rows (distinct keys where rows share them) that the verdict needs. */
  readonly minRows: number
  readonly deadlineSeconds?: number
}

/** Changes to the default gates; `rank: null` leaves the rank gate out. */
export interface GateOptions {
  readonly error?: Partial<Omit<ErrorGate, 'kind' | 'on'>>
  readonly rank?: Partial<Omit<RankGate, 'kind'>> | null
}

/** How somebody wants a version to come into service. What is left out has a default (`compileStrategy`). */
export type Strategy =
  | {
      readonly kind: 'canary'
      readonly stops?: readonly CanaryStop[]
      /** Percent of keys mirrored for the rank gate; 0 leaves both out. */
      readonly mirror?: number
      readonly gates?: GateOptions
      /** Somebody of these roles has to approve before the promotion. */
      readonly approve?: readonly ApproverRole[]
    }
  | {
      readonly kind: 'blueGreen'
      /** Compare on mirrored rows before the switch. */
      readonly mirror?: {
        readonly percent: number
        readonly minRows: number
        readonly deadlineSeconds?: number
      }
      readonly gates?: GateOptions
      readonly approve?: readonly ApproverRole[]
      /** Time at 100 % before the promotion; null waits for the verb promote. */
      readonly observeSeconds?: number | null
    }
  | {
      readonly kind: 'shadow'
      readonly percent: number
      readonly minRows: number
      readonly deadlineSeconds?: number
      readonly gates?: GateOptions
    }
  | { readonly kind: 'instant'; readonly cause: 'rollback' | 'force' }

/** The versions a rollout is between; stable is null where a deployment has none yet. */
export interface Versions {
  readonly candidate: number
  readonly stable: number | null
}

const MAX_STOPS = 20

/** Everything that is wrong with a requested strategy; none for one that can be compiled. */
export function strategyProblems(strategy: Strategy, { candidate, stable }: Versions): Problem[] {
  const same = candidate === stable
  const problems = same
    ? [{ at: 'version', message: `${candidate} is the version that serves already.` }]
    : []
  switch (strategy.kind) {
    case 'canary':
      problems.push(...stopProblems(strategy.stops), ...percentProblems('mirror', strategy.mirror, 0, 100))
      break
    case 'blueGreen': {
      const { mirror, observeSeconds } = strategy
      if (mirror) {
        problems.push(...percentProblems('mirror.percent', mirror.percent, 1, 100))
        problems.push(...evidenceProblems('mirror', mirror))
      }
      if (observeSeconds != null) problems.push(...positive('observeSeconds', observeSeconds))
      break
    }
    case 'shadow':
      problems.push(
        ...percentProblems('percent', strategy.percent, 1, 100),
        ...evidenceProblems('', strategy),
      )
      if (stable === null) {
        problems.push({ at: 'kind', message: 'the deployment serves nothing yet: no rows to mirror.' })
      }
      break
    case 'instant':
      if (stable === null && strategy.cause === 'rollback') {
        problems.push({ at: 'cause', message: 'the deployment serves nothing: no version to roll back.' })
      }
      return problems
  }
  if ('approve' in strategy) problems.push(...roleProblems(strategy.approve))
  return [...problems, ...gateProblems(strategy.gates)]
}

function stopProblems(stops: readonly CanaryStop[] | undefined): Problem[] {
  if (stops === undefined) return []
  if (stops.length === 0 || stops.length > MAX_STOPS) {
    return [{ at: 'stops', message: `has ${stops.length} entries; give 1 to ${MAX_STOPS}.` }]
  }
  return stops.flatMap((stop, index) => {
    const at = `stops[${index}]`
    const before = stops[index - 1]?.percent
    const falls = before !== undefined && stop.percent <= before
    return [
      ...percentProblems(`${at}.percent`, stop.percent, 1, 99),
      ...(falls
        ? [{ at: `${at}.percent`, message: `${stop.percent} is not above the ${before} before it.` }]
        : []),
      ...evidenceProblems(at, stop),
    ]
  })
}

function percentProblems(at: string, percent: number | undefined, least: number, most: number): Problem[] {
  if (percent === undefined || (Number.isInteger(percent) && percent >= least && percent <= most)) return []
  const why =
    percent === 100 ? ' At 100 the stable arm has no rows to compare with; the promotion follows.' : ''
  return [{ at, message: `${percent} is not a whole percentage of ${least} to ${most}.${why}` }]
}

function evidenceProblems(
  at: string,
  evidence: { readonly minRows: number; readonly deadlineSeconds?: number },
): Problem[] {
  const path = (field: string) => (at === '' ? field : `${at}.${field}`)
  const { minRows, deadlineSeconds } = evidence
  const whole = Number.isSafeInteger(minRows) && minRows >= 1
  return [
    ...(whole ? [] : [{ at: path('minRows'), message: `${minRows} is not a whole number of 1 or more.` }]),
    ...(deadlineSeconds === undefined ? [] : positive(path('deadlineSeconds'), deadlineSeconds)),
  ]
}

function roleProblems(roles: readonly ApproverRole[] | undefined): Problem[] {
  if (roles === undefined) return []
  if (roles.length === 0) return [{ at: 'approve', message: 'names no role; leave it out for no approval.' }]
  const strange = roles.filter(role => !APPROVER_ROLES.includes(role))
  return strange.map(role => ({
    at: 'approve',
    message: `"${role}" cannot approve: ${APPROVER_ROLES.join(' or ')}.`,
  }))
}

function gateProblems(gates: GateOptions | undefined): Problem[] {
  const { alpha, tunedAt, minUnits, maxIncrease } = gates?.error ?? {}
  const { minCorrelation, minPairs } = gates?.rank ?? {}
  const problems: Problem[] = []
  const within = (at: string, value: number | undefined, holds: (given: number) => boolean, rule: string) => {
    if (value === undefined || (Number.isFinite(value) && holds(value))) return
    problems.push({ at: `gates.${at}`, message: `${value} is not ${rule}.` })
  }
  // An interval that misses more often than not is none; the formula needs alpha below 0.6.
  within('error.alpha', alpha, given => given > 0 && given <= 0.5, 'above 0 and at most 0.5')
  within('error.tunedAt', tunedAt, given => given > 0, 'above 0')
  within(
    'error.minUnits',
    minUnits,
    given => Number.isInteger(given) && given >= 2,
    'a whole number of 2 or more',
  )
  within('error.maxIncrease', maxIncrease, given => given > 0, 'above 0')
  within('rank.minCorrelation', minCorrelation, given => given >= -1 && given <= 1, 'between -1 and 1')
  within(
    'rank.minPairs',
    minPairs,
    given => Number.isInteger(given) && given >= 3,
    'a whole number of 3 or more',
  )
  return problems
}

function positive(at: string, seconds: number): Problem[] {
  const fine = Number.isFinite(seconds) && seconds > 0
  return fine ? [] : [{ at, message: `${seconds} is not a number of seconds above 0.` }]
}
