import type { RegressionMetrics } from './metrics.js'

export interface GatePolicy {
  /** Largest allowed RMSE of the model as a multiple of the baseline's. */
  readonly maxRmseOfBaseline: number
  /** Largest allowed RMSE as a multiple of the champion's on the same rows, where there is a champion. */
  readonly maxRmseOfChampion: number
}

export const DEFAULT_GATE: GatePolicy = { maxRmseOfBaseline: 1, maxRmseOfChampion: 1 }

export interface GateCheck {
  readonly name: 'baseline' | 'champion'
  readonly observed: number
  readonly limit: number
  readonly passed: boolean
  readonly message: string
}

export interface GateDecision {
  readonly passed: boolean
  readonly checks: readonly GateCheck[]
}

export interface Evaluated {
  readonly model: RegressionMetrics
  readonly baseline: RegressionMetrics
  readonly champion?: RegressionMetrics
}

/** Decides whether an evaluated model may be registered. A metric that is not a number never passes. */
export function decideGate(policy: GatePolicy, metrics: Evaluated): GateDecision {
  const checks = [against('baseline', metrics.model, metrics.baseline, policy.maxRmseOfBaseline)]
  if (metrics.champion) {
    checks.push(against('champion', metrics.model, metrics.champion, policy.maxRmseOfChampion))
  }
  return { passed: checks.every(check => check.passed), checks }
}

function against(
  name: 'baseline' | 'champion',
  model: RegressionMetrics,
  other: RegressionMetrics,
  factor: number,
): GateCheck {
  // Metrics come out of JSON, where what was NaN is null; null would compare like 0.
  const observed = numberOr(model.rmse)
  const reference = numberOr(other.rmse)
  const limit = factor * reference
  const comparable = Number.isFinite(observed) && Number.isFinite(limit)
  const passed = comparable && observed <= limit
  const relation = !comparable ? 'cannot be compared with' : passed ? 'is within' : 'is above'
  const message = `RMSE ${observed.toFixed(2)} ${relation} ${factor} x the ${name}'s ${reference.toFixed(2)}`
  return { name, observed, limit, passed, message }
}

function numberOr(value: unknown): number {
  return typeof value === 'number' ? value : NaN
}
