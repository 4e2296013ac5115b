import type { Step, StepOf } from './steps.js'

/** A statistic of the finite values of a column; `share` of a quantile, `bound` of a count. */
export type Statistic =
  | { readonly of: 'mean' | 'variance' | 'min' | 'max' }
  | { readonly of: 'quantile'; readonly share: number }
  | { readonly of: 'at_most'; readonly bound: number }

/** What is measured of a column of numbers. */
export interface NumberNeed {
  readonly column: string
  readonly statistics: readonly Statistic[]
}

/** Categories of a column with their counts, and the moments of a target in each. */
export interface CategoryNeed {
  readonly column: string
  readonly target: string | null
  /** True where the most frequent is all that is wanted. */
  readonly onlyFirst: boolean
}

const QUARTILES: readonly Statistic[] = [0.25, 0.5, 0.75].map(share => ({ of: 'quantile', share }))
const EXTENT: readonly Statistic[] = [{ of: 'min' }, { of: 'max' }]
const SCALES: Readonly<Record<StepOf<'scale'>['method'], readonly Statistic[]>> = {
  standard: [{ of: 'mean' }, { of: 'variance' }],
  min_max: EXTENT,
  robust: QUARTILES,
  max_abs: EXTENT,
}

/** The name of a statistic among those of a column. */
export function statisticKey(statistic: Statistic): string {
  switch (statistic.of) {
    case 'quantile':
      return `quantile ${statistic.share}`
    case 'at_most':
      return `at most ${statistic.bound}`
    default:
      return statistic.of
  }
}

/** The numbers that a step has to know of the rows it is fitted to. */
export function numberNeeds(step: Step): NumberNeed[] {
  if (step.kind === 'target') {
    return [{ column: step.target, statistics: [{ of: 'mean' }, { of: 'variance' }] }]
  }
  const statistics = statisticsOf(step)
  if (statistics === null) return []
  return (step as StepOf<'scale'>).columns.map(column => ({ column, statistics }))
}

function statisticsOf(step: Step): readonly Statistic[] | null {
  switch (step.kind) {
    case 'impute':
      if (step.strategy === 'mean') return [{ of: 'mean' }]
      return step.strategy === 'median' ? [{ of: 'quantile', share: 0.5 }] : null
    case 'scale':
      return SCALES[step.method]
    case 'bin':
      return step.strategy === 'uniform' ? EXTENT : step.strategy === 'quantile' ? shares(step.bins!) : null
    case 'clip': {
      const given = [step.lowerQuantile, step.upperQuantile].filter(share => share !== undefined)
      return given.length === 0 ? null : given.map(share => ({ of: 'quantile', share }))
    }
    case 'log':
      return step.invalid === 'null' ? null : [{ of: 'at_most', bound: -(step.offset ?? 1) }]
    default:
      return null
  }
}

/** The categories that a step has to know. */
export function categoryNeeds(step: Step): CategoryNeed[] {
  const needs = (target: string | null, onlyFirst: boolean): CategoryNeed[] =>
    (step as StepOf<'one_hot'>).columns.map(column => ({ column, target, onlyFirst }))
  switch (step.kind) {
    case 'impute':
      return step.strategy === 'most_frequent' ? needs(null, true) : []
    case 'one_hot':
    case 'ordinal':
      return needs(null, false)
    case 'target':
      return needs(step.target, false)
    default:
      return []
  }
}

/** The outer ones included. */
export function edgeShares(bins: number): number[] {
  return Array.from({ length: bins + 1 }, (_, i) => i / bins)
}

function shares(bins: number): Statistic[] {
  return edgeShares(bins).map(share => ({ of: 'quantile', share }))
}
