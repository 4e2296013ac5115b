/** A figure of which less is better (an error, a cost), beside another one. */
export interface Comparison {
  readonly candidate: number
  readonly reference: number
  /** candidate / reference at most. */
  readonly maxRatio: number
}

export type ComparisonVerdict =
  { readonly good: true; readonly ratio: number } | { readonly good: false; readonly message: string }

/**
 * Whether a candidate is good enough: candidate / reference <= maxRatio, for figures of 0 or more.
 * Beside a reference of 0 only a candidate of 0 is good, with ratio 1: it is neither better nor worse.
 * NaN, infinite and negative figures are never good, since their ratio says nothing.
 */
export function compareFigures({ candidate, reference, maxRatio }: Comparison): ComparisonVerdict {
  const unusable = Object.entries({ candidate, reference, maxRatio }).find(
    ([, figure]) => !Number.isFinite(figure) || figure < 0,
  )
  if (unusable !== undefined) {
    const [which, figure] = unusable
    return {
      good: false,
      message: `${which} is ${figure}: a ratio needs figures of 0 or more. Compare an error or a cost.`,
    }
  }
  if (reference === 0) {
    if (candidate === 0) return judged(1, { candidate, reference, maxRatio })
    return {
      good: false,
      message: `The candidate is ${candidate}, and nothing but 0 is as good as the reference 0.`,
    }
  }
  return judged(candidate / reference, { candidate, reference, maxRatio })
}

function judged(ratio: number, { candidate, reference, maxRatio }: Comparison): ComparisonVerdict {
  if (ratio <= maxRatio) return { good: true, ratio }
  return {
    good: false,
    message: `The candidate is ${candidate}, ${ratio} times the reference ${reference}; at most ${maxRatio} times is good enough.`,
  }
}
