/** Past this relative size a term of series or fraction changes nothing. */
const PRECISION = 1e-16

/** Coefficients of Lanczos' approximation with g = 7 and 9 terms (Godfrey 2001). */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const

/** ln of the gamma function of a > 0 (Lanczos, "A Precision Approximation of the Gamma Function", 1964). */
function logGamma(a: number): number {
  const z = a - 1
  const t = z + 7.5
  const sum = LANCZOS.reduce((total, term, k) => (k === 0 ? term : total + term / (z + k)), 0)
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum)
}

/**
 * Regularised upper incomplete gamma function Q(a, x) = Gamma(a, x) / Gamma(a), as Press et al.,
 * Numerical Recipes (3rd ed., 6.2), choose: the series of P = 1 - Q (DLMF 8.11.4) for x < a + 1, else
 * the continued fraction of Q (DLMF 8.9.2) by the method of Lentz. Equals `scipy.special.gammaincc`.
 *
 * @throws RangeError unless a > 0 and x >= 0
 */
export function upperIncompleteGamma(a: number, x: number): number {
  if (!(a > 0) || !(x >= 0)) throw new RangeError(`Q(${a}, ${x}) is not defined`)
  if (x === 0) return 1
  if (x === Infinity) return 0
  const scale = Math.exp(a * Math.log(x) - x - logGamma(a))
  return x < a + 1 ? 1 - scale * lowerSeries(a, x) : scale * upperFraction(a, x)
}

function lowerSeries(a: number, x: number): number {
  let term = 1 / a
  let sum = term
  for (let n = a + 1; term > sum * PRECISION; n++) {
    term *= x / n
    sum += term
  }
  return sum
}

function upperFraction(a: number, x: number): number {
  // 1e-300 stands for the 0 that Lentz' method must not divide by.
  const tiny = 1e-300
  let b = x + 1 - a
  let c = 1 / tiny
  let d = 1 / b
  let fraction = d
  for (let k = 1; ; k++) {
    const numerator = -k * (k - a)
    b += 2
    d = numerator * d + b
    if (Math.abs(d) < tiny) d = tiny
    c = b + numerator / c
    if (Math.abs(c) < tiny) c = tiny
    d = 1 / d
    const factor = d * c
    fraction *= factor
    // The last bit of a factor may never become 1.
    if (Math.abs(factor - 1) <= 4 * PRECISION || k > 1_000_000) return fraction
  }
}
