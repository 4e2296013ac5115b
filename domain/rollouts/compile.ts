import { MlforgeError } from '../errors.js'
import { ERROR_GATE, type Gate, RANK_GATE } from './gates.js'
import type { RolloutPlan, Step } from './steps.js'
import {
  type CanaryStop,
  type GateOptions,
  type Strategy,
  strategyProblems,
  type Versions,
} from './strategy.js'

const DEADLINE_SECONDS = 86_400
const READY_SECONDS = 600
const DEFAULT_MIRROR = 20
const DEFAULT_STOPS: readonly CanaryStop[] = [
  { percent: 10, minRows: 40 },
  { percent: 50, minRows: 100 },
]

const PREFLIGHT: Step = { kind: 'preflight' }
const PROMOTE: Step = { kind: 'promote' }

/**
 * The steps of a strategy between two versions. Defaults: stops at 10 % (40 rows) and 50 % (100 rows), a day
 * for each, 20 % mirrored for the rank gate, ten minutes for replicas to get ready. For the first version of
 * a deployment it becomes `initial`, which keeps the approval, since a person needs no comparison.
 * @throws MlforgeError strategy_invalid, with all problems
 */
export function compileStrategy(strategy: Strategy, versions: Versions): RolloutPlan {
  const problems = strategyProblems(strategy, versions)
  if (problems.length > 0) {
    const all = problems.map(each => `${each.at}: ${each.message}`).join(' ')
    throw new MlforgeError('strategy_invalid', `The rollout strategy cannot be used. ${all}`, { problems })
  }
  const base = {
    ...versions,
    strategy: strategy.kind,
    notes: [],
    readySeconds: READY_SECONDS,
    keepPrevious: false,
    ignoresFreeze: false,
  }
  if (versions.stable === null) {
    const { steps, notes } = initial(strategy)
    return { ...base, strategy: 'initial', steps, notes }
  }
  switch (strategy.kind) {
    case 'canary':
      return { ...base, steps: canary(strategy) }
    case 'blueGreen':
      return { ...base, steps: blueGreen(strategy), keepPrevious: true }
    case 'shadow':
      return { ...base, steps: shadow(strategy) }
    case 'instant': {
      const back = strategy.cause === 'rollback'
      const steps: Step[] = [...(back ? [] : [PREFLIGHT]), { kind: 'setWeight', percent: 100 }, PROMOTE]
      const note = back
        ? 'Rollback: the version has served before, so there is no preflight, and a freeze does not stop it.'
        : 'Forced: all traffic moves at once, without any comparison.'
      return { ...base, steps, notes: [note], ignoresFreeze: back }
    }
  }
}

function initial(strategy: Strategy): { steps: Step[]; notes: string[] } {
  const approval = 'approve' in strategy ? approve(strategy.approve) : []
  const skipped =
    strategy.kind === 'canary'
      ? `the stops at ${(strategy.stops ?? DEFAULT_STOPS).map(stop => `${stop.percent} %`).join(', ')} are skipped`
      : `the comparison of "${strategy.kind}" is skipped`
  return {
    steps: [PREFLIGHT, ...approval, { kind: 'setWeight', percent: 100 }, PROMOTE],
    notes: [`First version of this deployment: there is nothing to compare with, so ${skipped}.`],
  }
}

function canary(strategy: Extract<Strategy, { kind: 'canary' }>): Step[] {
  const { stops = DEFAULT_STOPS, mirror = DEFAULT_MIRROR } = strategy
  const ranks = mirror > 0 ? rankGates(strategy.gates) : []
  const gates: Gate[] = [{ ...ERROR_GATE, ...strategy.gates?.error }, ...ranks]
  return [
    PREFLIGHT,
    ...(ranks.length > 0 ? [{ kind: 'mirror', percent: mirror } as const] : []),
    ...stops.flatMap(({ percent, minRows, deadlineSeconds = DEADLINE_SECONDS }): Step[] => [
      { kind: 'setWeight', percent },
      { kind: 'analyse', gates, minRows, deadlineSeconds },
    ]),
    ...approve(strategy.approve),
    PROMOTE,
  ]
}

function blueGreen(strategy: Extract<Strategy, { kind: 'blueGreen' }>): Step[] {
  const { mirror, observeSeconds } = strategy
  return [
    PREFLIGHT,
    ...(mirror ? mirrored(mirror, strategy.gates) : []),
    ...approve(strategy.approve),
    { kind: 'setWeight', percent: 100 },
    ...(observeSeconds === undefined ? [] : [{ kind: 'pause', seconds: observeSeconds } as const]),
    PROMOTE,
  ]
}

function shadow(strategy: Extract<Strategy, { kind: 'shadow' }>): Step[] {
  return [PREFLIGHT, ...mirrored(strategy, strategy.gates), { kind: 'mirror', percent: 0 }]
}

function mirrored(
  wanted: { readonly percent: number; readonly minRows: number; readonly deadlineSeconds?: number },
  options: GateOptions | undefined,
): Step[] {
  const { percent, minRows, deadlineSeconds = DEADLINE_SECONDS } = wanted
  const gates: Gate[] = [{ ...ERROR_GATE, ...options?.error, on: 'mirrored' }, ...rankGates(options)]
  return [
    { kind: 'mirror', percent },
    { kind: 'analyse', gates, minRows, deadlineSeconds },
  ]
}

function rankGates(options: GateOptions | undefined): Gate[] {
  return options?.rank === null ? [] : [{ ...RANK_GATE, ...options?.rank }]
}

function approve(roles: readonly ('admin' | 'operator')[] | undefined): Step[] {
  return roles === undefined ? [] : [{ kind: 'approve', roles }]
}
