/** Bins of a stored histogram, at most. */
export const MAX_BINS = 64

/**
 * Counts of equal bins whose edges are multiples of a power of two: bin i is from (first + i) 2^exponent, included,
 * to (first + i + 1) 2^exponent, excluded. The bins of any two such histograms nest, so that they are compared on
 * shared bins without the data (as histograms of different scale are merged in OpenTelemetry).
 */
export interface Histogram {
  readonly exponent: number
  readonly first: number
  readonly counts: readonly number[]
}

export type Grid = Pick<Histogram, 'exponent' | 'first'> & { readonly bins: number }

/** Indices beyond it are no longer told apart. */
const LARGEST_INDEX = 2 ** 52
/** 2^-exponent must be a number as well. */
const SMALLEST_EXPONENT = -1000
/** How much finer the only bin of a constant is than the constant. */
const CONSTANT_BITS = 10

const { ceil, floor, log2, abs, max: largest } = Math

/**
 * The finest grid with at most 64 bins from min to max.
 * @param whole the values are integers: no bin is narrower than 1
 * @throws RangeError unless both are finite and min <= max
 */
export function gridOf(min: number, max: number, whole: boolean): Grid {
  if (!Number.isFinite(min) || !Number.isFinite(max) || min > max) {
    throw new RangeError(`no bins from ${min} to ${max}`)
  }
  let exponent = whole ? 0 : SMALLEST_EXPONENT
  if (min === max) {
    if (min !== 0) exponent = largest(exponent, floor(log2(abs(min))) - CONSTANT_BITS)
    else exponent = 0
  } else {
    // Divided first: the range of the largest numbers is none.
    exponent = largest(exponent, ceil(log2(max / MAX_BINS - min / MAX_BINS)) - 1)
  }
  for (; ; exponent++) {
    const [first, last] = [indexOf(min, exponent), indexOf(max, exponent)]
    const bins = last - first + 1
    if (bins <= MAX_BINS && abs(first) <= LARGEST_INDEX && abs(last) <= LARGEST_INDEX) {
      return { exponent, first, bins }
    }
  }
}

function indexOf(value: number, exponent: number): number {
  return floor(value * 2 ** -exponent)
}

/** The lower edge of bin i; for i = number of bins the upper edge of the last. */
export function edgeOf({ exponent, first }: Pick<Histogram, 'exponent' | 'first'>, i: number): number {
  return (first + i) * 2 ** exponent
}

/** Two histograms over the same bins. */
export interface SharedBins extends Grid {
  readonly from: readonly number[]
  readonly to: readonly number[]
}

/** Both histograms by the finest bins that they share, at most `most` of them. Exact: counts are only added. */
export function sharedBins(from: Histogram, to: Histogram, most: number): SharedBins {
  for (let exponent = largest(from.exponent, to.exponent); ; exponent++) {
    const [a, b] = [coarser(from, exponent), coarser(to, exponent)]
    const first = Math.min(a.first, b.first)
    const bins = largest(a.first + a.counts.length, b.first + b.counts.length) - first
    if (bins > most) continue
    return { exponent, first, bins, from: spread(a, first, bins), to: spread(b, first, bins) }
  }
}

function coarser({ exponent, first, counts }: Histogram, wanted: number): Histogram {
  const width = 2 ** (wanted - exponent)
  const start = floor(first / width)
  const merged: number[] = []
  counts.forEach((count, i) => {
    const at = floor((first + i) / width) - start
    merged[at] = (merged[at] ?? 0) + count
  })
  return { exponent: wanted, first: start, counts: merged }
}

function spread({ first, counts }: Histogram, start: number, bins: number): number[] {
  return Array.from({ length: bins }, (_, i) => counts[start + i - first] ?? 0)
}
