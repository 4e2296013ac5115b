import type { Partition, QuantileRanges } from './expectation.js'
import type { Say } from './parameters.js'

const TOLERANCE = 1e-6
const MOST_BINS = 1000

const isNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length > 0 && value.every(one => Number.isFinite(one))

export function quantileProblems(value: unknown, say: Say): void {
  const { quantiles, value_ranges: ranges } = objectOf<QuantileRanges>(value)
  if (!isNumbers(quantiles) || quantiles.some(one => one < 0 || one > 1))
    return say('.quantiles', 'must be a list of numbers, 0 to 1.')
  if (!Array.isArray(ranges) || ranges.length !== quantiles.length)
    return say('.value_ranges', 'must have one [least, greatest] for each quantile.')
  ranges.forEach((range: unknown, i) => {
    const good =
      Array.isArray(range) &&
      range.length === 2 &&
      range.every(one => one === null || Number.isFinite(one)) &&
      !(range[0] !== null && range[1] !== null && range[0] > range[1])
    if (!good) say(`.value_ranges[${i}]`, 'must be [least, greatest] of numbers or null, in order.')
  })
}

export function partitionProblems(value: unknown, say: Say): void {
  const { bins, values, weights, tail_weights: tails = [0, 0] } = objectOf<Partition>(value)
  if ((bins === undefined) === (values === undefined)) return say('', 'needs either bins or values.')
  if (!isNumbers(weights) || weights.length > MOST_BINS || weights.some(one => one < 0))
    return say('.weights', `must be a list of 1 to ${MOST_BINS} shares, none below 0.`)
  if (!isNumbers(tails) || tails.length !== 2 || tails.some(one => one < 0))
    return say('.tail_weights', 'must be two shares: below the first edge, and above the last.')
  const sum = [...weights, ...tails].reduce((a, b) => a + b, 0)
  if (Math.abs(sum - 1) > TOLERANCE) say('.weights', `must sum to 1, with tail_weights; they sum to ${sum}.`)
  if (values !== undefined) {
    if (!Array.isArray(values) || values.length !== weights.length)
      say('.values', 'must be as many as weights.')
    else if (new Set(values).size !== values.length) say('.values', 'names one value twice.')
  }
  if (bins !== undefined) {
    if (!isNumbers(bins) || bins.length !== weights.length + 1)
      say('.bins', 'must be edges, one more than weights.')
    else if (bins.some((edge, i) => i > 0 && edge <= bins[i - 1]!)) say('.bins', 'must ascend.')
  }
}

function objectOf<T>(value: unknown): Partial<T> {
  return (typeof value === 'object' && value !== null ? value : {}) as Partial<T>
}
