import type { CategoricalSample, NumericSample, Sample } from '../samples.js'

/** One bin of a column, with its rows in either sample. */
export interface Bin {
  readonly kind: 'range' | 'category' | 'unseen' | 'missing'
  readonly label: string
  readonly reference: number
  readonly current: number
}

/** Bins of a numeric column, before equal edges are merged. */
const NUMERIC_BINS = 10

/**
 * Counts two samples of a column over the same bins, which the reference alone decides.
 *
 * - Numeric: ten bins between the reference's quantiles, equal edges merged, open at both ends.
 * - Categorical: one bin for each category of the reference (in the order of its code units), one for
 *   all categories that are not there.
 * - Either: one bin for missing values, at the end.
 *
 * @throws RangeError for samples of different types
 */
export function binned(reference: Sample, current: Sample): Bin[] {
  const missing: Bin = {
    kind: 'missing',
    label: 'missing',
    reference: reference.missing,
    current: current.missing,
  }
  if (reference.type === 'numeric' && current.type === 'numeric') {
    return [...ranges(reference, current), missing]
  }
  if (reference.type === 'categorical' && current.type === 'categorical') {
    return [...categories(reference, current), missing]
  }
  throw new RangeError(`a ${reference.type} reference cannot be compared with a ${current.type} column`)
}

/**
 * Inner edges between `bins` bins of equal share, repeated where one value fills several bins.
 * Each edge is a value of the sample: the smallest with at least that share at or below it (type 1 of
 * Hyndman & Fan, "Sample Quantiles in Statistical Packages", 1996), so that bins follow every
 * increasing transform of the data. Bins are closed above.
 *
 * @param sorted ascending; none gives no edges
 */
export function quantileEdges(sorted: Float64Array, bins: number): number[] {
  if (sorted.length === 0) return []
  return Array.from(
    { length: bins - 1 },
    (_, index) => sorted[Math.ceil((sorted.length * (index + 1)) / bins) - 1]!,
  )
}

/** How many of the sorted values are at or below the bound; with `strict`, below it. */
function countBelow(sorted: Float64Array, bound: number, strict = false): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    const value = sorted[middle]!
    if (strict ? value < bound : value <= bound) low = middle + 1
    else high = middle
  }
  return low
}

interface Cut {
  readonly at: number
  readonly strict: boolean
}

function ranges(reference: NumericSample, current: NumericSample): Bin[] {
  const repeated = quantileEdges(reference.sorted, NUMERIC_BINS)
  const edges = [...new Set(repeated)]
  const cuts: Cut[] = edges.map(at => ({ at, strict: false }))
  // One value that fills the first bins would hide everything that falls below it: it gets its own.
  if (repeated.length > 1 && repeated[0] === repeated[1]) cuts.unshift({ at: edges[0]!, strict: true })
  const counts = ({ sorted }: NumericSample): number[] => {
    const upTo = [...cuts.map(({ at, strict }) => countBelow(sorted, at, strict)), sorted.length]
    return upTo.map((count, index) => count - (upTo[index - 1] ?? 0))
  }
  const [before, after] = [counts(reference), counts(current)]
  return before.map((count, index) => ({
    kind: 'range',
    label: rangeLabel(cuts[index - 1], cuts[index]),
    reference: count,
    current: after[index]!,
  }))
}

function rangeLabel(low: Cut | undefined, high: Cut | undefined): string {
  if (low === undefined && high === undefined) return 'any'
  if (low === undefined) return `${high!.strict ? '<' : '<='} ${high!.at}`
  if (high === undefined) return `> ${low.at}`
  return low.strict ? `= ${high.at}` : `> ${low.at}, <= ${high.at}`
}

function categories(reference: CategoricalSample, current: CategoricalSample): Bin[] {
  const bins: Bin[] = [...reference.counts.keys()].sort().map(label => ({
    kind: 'category',
    label,
    reference: reference.counts.get(label)!,
    current: current.counts.get(label) ?? 0,
  }))
  let unseen = 0
  for (const [label, count] of current.counts) if (!reference.counts.has(label)) unseen += count
  return [...bins, { kind: 'unseen', label: 'unseen', reference: 0, current: unseen }]
}
