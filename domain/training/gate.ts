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
  /** Null where the metric was not a number. */
  readonly observed: number | null
  readonly limit: number | null
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
  const observed = finite(model.rmse)
  const reference = finite(other.rmse)
  const limit = reference === null ? null : finite(factor * reference)
  const passed = observed !== null && limit !== null && observed <= limit
  const relation =
    observed === null || limit === null ? 'cannot be compared with' : passed ? 'is within' : 'is above'
  const message = `RMSE ${show(observed)} ${relation} ${factor} x the ${name}'s ${show(reference)}`
  return { name, observed, limit, passed, message }
}

function finite(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

function show(value: number | null): string {
  return value === null ? '(not a number)' : value.toFixed(2)
}
