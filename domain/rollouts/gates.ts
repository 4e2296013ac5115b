/**
 * Compares mean absolute errors. `split`: each version on the rows it answered. `mirrored`: both versions
 * on the same rows, for plans that compare before any traffic moves.
 */
export interface ErrorGate {
  readonly kind: 'error'
  readonly on: 'split' | 'mirrored'
  /** Probability that the interval ever misses the true difference, over all looks of one step. */
  readonly alpha: number
  /** Units of both arms together at which the interval is narrowest. */
  readonly tunedAt: number
  /** No verdict before this many labelled units in each arm, or labelled pairs. */
  readonly minUnits: number
  /** Passes when the candidate's error is surely below (1 + this) times the stable one's. */
  readonly maxIncrease: number
}

/** Compares the order in which both versions rank the same mirrored rows; needs no labels. */
export interface RankGate {
  readonly kind: 'rank'
  /** Spearman correlation below which the candidate fails. */
  readonly minCorrelation: number
  readonly minPairs: number
}

export type Gate = ErrorGate | RankGate

export const ERROR_GATE: ErrorGate = {
  kind: 'error',
  on: 'split',
  alpha: 0.05,
  tunedAt: 500,
  minUnits: 20,
  maxIncrease: 0.1,
}

export const RANK_GATE: RankGate = { kind: 'rank', minCorrelation: 0.5, minPairs: 30 }

/**
 * Clusters needed in each arm where rows share keys: with fewer, standard errors from clusters are too
 * small ("A practitioner's guide to cluster-robust inference", Cameron and Miller, Journal of Human
 * Resources 50 (2015), section VI: the trouble begins at 20 to 50).
 */
export const MIN_CLUSTERS = 40
