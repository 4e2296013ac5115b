import { compileStrategy } from '../../../domain/rollouts/compile.js'
import type { Moments } from '../../../domain/rollouts/moments.js'
import type { MirroredSeen, Observation, SplitSeen } from '../../../domain/rollouts/observation.js'
import { newRollout, type RolloutState } from '../../../domain/rollouts/state.js'
import type { Strategy } from '../../../domain/rollouts/strategy.js'

const CANARY: Strategy = { kind: 'canary' }
export const HOUR = 3_600_000

export const rollout = (strategy: Strategy = CANARY, stable: number | null = 1): RolloutState =>
  newRollout('r1', compileStrategy(strategy, { candidate: 2, stable }))

/** Moments of n units with this mean and standard deviation. */
export const moments = (units: number, mean: number, deviation: number, rows = units): Moments => ({
  units,
  rows,
  mean,
  m2: deviation ** 2 * Math.max(0, units - 1),
})

export const seen = (more: Partial<Observation> = {}): Observation => ({
  now: 0,
  freezeUntil: null,
  replicas: { live: 2, ready: 2 },
  ...more,
})

type Kind = 'better' | 'same' | 'worse'
const MEANS: Record<Kind, number> = { better: 60, same: 100, worse: 300 }

export const split = (fromRevision: number, kind: Kind, candidates = 200): SplitSeen => ({
  fromRevision,
  rowsHash: `split-${kind}`,
  stable: moments(500, 100, 75),
  candidate: moments(candidates, MEANS[kind], MEANS[kind] * 0.75),
})

export const mirrored = (fromRevision: number, kind: Kind, pairs = 100): MirroredSeen => ({
  fromRevision,
  rowsHash: `mirrored-${kind}`,
  pairs,
  correlation: kind === 'worse' ? 0.1 : 0.95,
  stable: moments(pairs, 100, 75),
  difference: moments(pairs, MEANS[kind] - 100, 30),
})
