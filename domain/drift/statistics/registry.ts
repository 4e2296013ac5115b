import type { Sample, SampleType } from '../samples.js'
import type { Bin } from './bins.js'
import { chiSquared } from './chi-squared.js'
import { jensenShannonDistance } from './jensen-shannon.js'
import { kolmogorovSmirnov } from './kolmogorov-smirnov.js'
import { populationStabilityIndex } from './psi.js'
import { normedWassersteinDistance } from './wasserstein.js'

/** A column's two samples, and both counted over the same bins (`binned`). */
export interface Compared {
  readonly reference: Sample
  readonly current: Sample
  readonly bins: readonly Bin[]
}

export interface Measured {
  /** What is compared with the threshold; null where the samples have none. */
  readonly score: number | null
  /** The test's statistic, where the score is its p-value. */
  readonly statistic?: number
  /** Why there is no score. */
  readonly reason?: string
}

export interface Statistic {
  readonly title: string
  readonly types: readonly SampleType[]
  readonly score: 'distance' | 'p_value'
  /** On which side of the threshold a column has drifted; on the threshold it has not. */
  readonly driftedWhen: 'above' | 'below'
  readonly threshold: number
  readonly source: string
  measure(compared: Compared): Measured
}

export const STATISTICS = {
  psi: {
    title: 'Population stability index',
    types: ['numeric', 'categorical'],
    score: 'distance',
    driftedWhen: 'above',
    threshold: 0.25,
    source: 'Siddiqi, Credit Risk Scorecards (2006), ch. 9',
    measure: ({ bins }) => ({ score: populationStabilityIndex(bins) }),
  },
  jensen_shannon: {
    title: 'Jensen-Shannon distance (base 2, over the bins)',
    types: ['numeric', 'categorical'],
    score: 'distance',
    driftedWhen: 'above',
    threshold: 0.1,
    source: 'Endres & Schindelin, A New Metric for Probability Distributions (2003)',
    measure: ({ bins }) => ({
      score: jensenShannonDistance(
        bins.map(bin => bin.reference),
        bins.map(bin => bin.current),
      ),
    }),
  },
  wasserstein: {
    title: "Wasserstein-1 distance in the reference's standard deviations",
    types: ['numeric'],
    score: 'distance',
    driftedWhen: 'above',
    threshold: 0.1,
    source: 'Ramdas, Garcia & Cuturi, On Wasserstein Two Sample Testing (2015)',
    measure: compared => {
      const values = numbers(compared)
      if (values === null) return { score: null, reason: NO_NUMBERS }
      const score = normedWassersteinDistance(values.reference, values.current)
      return score === null ? { score, reason: 'the reference is constant' } : { score }
    },
  },
  kolmogorov_smirnov: {
    title: 'Kolmogorov-Smirnov test, two samples',
    types: ['numeric'],
    score: 'p_value',
    driftedWhen: 'below',
    threshold: 0.05,
    source: 'Smirnov, Table for Estimating the Goodness of Fit of Empirical Distributions (1948)',
    measure: compared => {
      const values = numbers(compared)
      if (values === null) return { score: null, reason: NO_NUMBERS }
      const { statistic, pValue } = kolmogorovSmirnov(values.reference, values.current)
      return { score: pValue, statistic }
    },
  },
  chi_squared: {
    title: 'Chi-squared test of homogeneity',
    types: ['categorical'],
    score: 'p_value',
    driftedWhen: 'below',
    threshold: 0.05,
    source: 'Pearson, On the criterion ... (Philosophical Magazine 50, 1900)',
    measure: ({ bins }) => {
      const { statistic, pValue } = chiSquared(
        bins.map(bin => bin.reference),
        bins.map(bin => bin.current),
      )
      return { score: pValue, statistic }
    },
  },
} as const satisfies Record<string, Statistic>

export type StatisticName = keyof typeof STATISTICS

const NO_NUMBERS = 'every value of the reference or of the window is missing'

/** The numbers of both samples; null where either has none. */
function numbers({
  reference,
  current,
}: Compared): { reference: Float64Array; current: Float64Array } | null {
  if (reference.type !== 'numeric' || current.type !== 'numeric') {
    throw new RangeError(`numbers of a ${reference.type} and a ${current.type} column`)
  }
  if (reference.sorted.length === 0 || current.sorted.length === 0) return null
  return { reference: reference.sorted, current: current.sorted }
}
