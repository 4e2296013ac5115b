import type { StepOf } from './steps.js'

/**
 * The products of a step in the order of PolynomialFeatures: those of two factors before those of three, each by
 * the positions of its columns.
 * @param most how many are looked for
 */
export function productsOf(
  { columns, degree, interactionOnly = true }: StepOf<'interact'>,
  most = Infinity,
): string[][] {
  const made: string[][] = []
  const extend = (factors: readonly string[], from: number, count: number): void => {
    if (made.length >= most) return
    if (factors.length === count) {
      made.push([...factors])
      return
    }
    for (let i = from; i < columns.length; i++) {
      extend([...factors, columns[i]!], interactionOnly ? i + 1 : i, count)
    }
  }
  for (let count = 2; count <= degree; count++) extend([], 0, count)
  return made
}

/** `a_x_b`. */
export function productName(factors: readonly string[]): string {
  return factors.join('_x_')
}
