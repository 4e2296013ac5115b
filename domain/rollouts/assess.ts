import { type Interval, sequenceInterval } from './confidence-sequence.js'
import { type ErrorGate, type Gate, MIN_CLUSTERS, type RankGate } from './gates.js'
import { isClustered, type Moments, varianceOfMean } from './moments.js'
import type { MirroredSeen, SplitSeen } from './observation.js'

export type Verdict = 'pass' | 'fail' | 'inconclusive'

/** What a gate saw and made of it: the evidence of a decision. */
export interface Assessment {
  readonly gate: Gate
  readonly verdict: Verdict
  readonly reason: string
  /** Units (or pairs) by arm. */
  readonly sampleSizes: Readonly<Record<string, number>>
  /** Difference of mean |error| (candidate - stable), or rank correlation; null where there is none. */
  readonly statistic: number | null
  readonly interval: Interval | null
  /** An interval wholly below this passes, one wholly above 0 fails; a correlation below it fails. */
  readonly threshold: number | null
}

/** Rows to judge by; left out where there are none for the plan in force. */
export interface Evidence {
  readonly split?: SplitSeen
  readonly mirrored?: MirroredSeen
}

/**
 * What one gate says of the evidence. It fails by proof of harm and passes by proof of no harm beyond its
 * margin; everything else, missing or unusable numbers included, is inconclusive.
 */
export function assess(gate: Gate, { split, mirrored }: Evidence): Assessment {
  if (gate.kind === 'rank') return rank(gate, mirrored)
  if (gate.on === 'split') {
    return split ? splitError(gate, split) : inconclusive(gate, 'no labelled rows of both arms yet', {})
  }
  return mirrored ? mirroredError(gate, mirrored) : inconclusive(gate, 'no mirrored rows yet', {})
}

/** One verdict of several gates: any fail fails, all must pass to pass; none at all is inconclusive. */
export function combine(assessments: readonly Assessment[]): Verdict {
  if (assessments.some(each => each.verdict === 'fail')) return 'fail'
  const passes = assessments.length > 0 && assessments.every(each => each.verdict === 'pass')
  return passes ? 'pass' : 'inconclusive'
}

/**
 * Two arms of any sizes. The estimate is the difference of means, its variance s_c^2 / n_c + s_s^2 / n_s
 * (nothing is pooled), its time the units of both arms together: each unit, drawn into an arm with a fixed
 * probability, adds one term (Waudby-Smith et al., section 3, randomised experiments). A split of 10 to 90
 * thus pays through the variance, not through the time. The probability must not change while rows
 * are counted: that is why every step begins with fresh arms. Each step spends alpha / 2 on false harm.
 */
function splitError(gate: ErrorGate, { stable, candidate }: SplitSeen): Assessment {
  return judge(gate, {
    estimate: candidate.mean - stable.mean,
    variance: varianceOfMean(candidate) + varianceOfMean(stable),
    time: candidate.units + stable.units,
    stableMean: stable.mean,
    arms: { stable, candidate },
  })
}

/** Differences on the same rows, one for each unit: the sequence of a single mean (Theorem 2.2). */
function mirroredError(gate: ErrorGate, { stable, difference }: MirroredSeen): Assessment {
  return judge(gate, {
    estimate: difference.mean,
    variance: varianceOfMean(difference),
    time: difference.units,
    stableMean: stable.mean,
    arms: { pairs: difference },
  })
}

function judge(
  gate: ErrorGate,
  seen: {
    estimate: number
    variance: number
    time: number
    stableMean: number
    arms: Readonly<Record<string, Moments>>
  },
): Assessment {
  const sizes = Object.fromEntries(Object.entries(seen.arms).map(([arm, each]) => [arm, each.units]))
  for (const [arm, moments] of Object.entries(seen.arms)) {
    const clustered = isClustered(moments)
    const needed = clustered ? Math.max(MIN_CLUSTERS, gate.minUnits) : gate.minUnits
    if (moments.units >= Math.max(needed, 2)) continue
    const what = clustered ? `distinct keys (rows share keys)` : 'labelled rows'
    return inconclusive(gate, `${arm}: ${moments.units} of at least ${needed} ${what}`, sizes)
  }
  // Moments come out of JSON, where what was NaN is null; null would calculate like 0.
  const isNumber = Object.values(seen.arms).every(
    ({ mean, m2 }) => Number.isFinite(mean) && Number.isFinite(m2),
  )
  const interval = sequenceInterval(seen.estimate, seen.variance, seen.time, gate)
  const threshold = gate.maxIncrease * seen.stableMean
  if (!isNumber || ![interval.lower, interval.upper, threshold].every(Number.isFinite)) {
    return inconclusive(gate, 'the errors are not finite numbers', sizes)
  }
  const verdict = interval.lower > 0 ? 'fail' : interval.upper < threshold ? 'pass' : 'inconclusive'
  const outcome = { fail: 'above 0', pass: 'below the limit', inconclusive: 'neither' }[verdict]
  const [low, high] = [interval.lower.toPrecision(4), interval.upper.toPrecision(4)]
  return {
    gate,
    verdict,
    reason: `difference of mean |error| is in [${low}, ${high}], limit ${threshold.toPrecision(4)}: ${outcome}`,
    sampleSizes: sizes,
    statistic: seen.estimate,
    interval,
    threshold,
  }
}

/** A correlation of null (a version that gives one number to all rows) is no proof of anything. */
function rank(gate: RankGate, mirrored: MirroredSeen | undefined): Assessment {
  const pairs = mirrored?.pairs ?? 0
  const correlation = mirrored?.correlation ?? null
  if (pairs < gate.minPairs) {
    return inconclusive(gate, `${pairs} of at least ${gate.minPairs} mirrored rows`, { pairs })
  }
  if (correlation === null || !Number.isFinite(correlation)) {
    return inconclusive(gate, 'a version gives the same number to every mirrored row', { pairs })
  }
  const verdict = correlation < gate.minCorrelation ? 'fail' : 'pass'
  return {
    gate,
    verdict,
    reason: `rank correlation ${correlation.toFixed(3)} over ${pairs} mirrored rows, at least ${gate.minCorrelation} needed`,
    sampleSizes: { pairs },
    statistic: correlation,
    interval: null,
    threshold: gate.minCorrelation,
  }
}

function inconclusive(gate: Gate, reason: string, sampleSizes: Readonly<Record<string, number>>): Assessment {
  return {
    gate,
    verdict: 'inconclusive',
    reason,
    sampleSizes,
    statistic: null,
    interval: null,
    threshold: null,
  }
}
