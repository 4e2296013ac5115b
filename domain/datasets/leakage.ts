export interface Leak {
  /** The fewest features found that together determine the target. */
  readonly features: readonly string[]
  readonly coefficients: Readonly<Record<string, number>>
  readonly intercept: number
  readonly r2: number
}

/** From this R2 on, features are said to give the target away. */
const LEAK_R2 = 0.9999

/** A feature whose variance is explained to this share by those already chosen adds nothing. */
const COLLINEAR = 1e-9

/**
 * Features that determine the target linearly, alone or together (`casual` + `registered` = `cnt`),
 * or null. Least squares by sweeping the correlation matrix (Goodnight 1979): features are added in
 * the order of what they explain until R2 passes LEAK_R2, then each that is not needed is dropped.
 * Rows with a value that is not finite are left out; too few rows to tell (under 2 (p + 1) + 10) are null.
 * @param columns one array a feature, all as long as `target`
 */
export function findLeak(
  names: readonly string[],
  columns: readonly ArrayLike<number>[],
  target: ArrayLike<number>,
): Leak | null {
  const all = [...columns, target]
  const rows: number[] = []
  for (let i = 0; i < target.length; i++) if (all.every(column => Number.isFinite(column[i]))) rows.push(i)
  if (rows.length < 2 * (columns.length + 1) + 10) return null
  const means = all.map(column => rows.reduce((sum, i) => sum + column[i]!, 0) / rows.length)
  const moments = all.map((a, j) =>
    all
      .slice(0, j + 1)
      .map((b, k) => rows.reduce((sum, i) => sum + (a[i]! - means[j]!) * (b[i]! - means[k]!), 0)),
  )
  const scale = moments.map(row => Math.sqrt(row.at(-1)!))
  const y = columns.length
  if (scale[y] === 0) return null
  const usable = names.map((_, j) => j).filter(j => scale[j]! > 0)
  const correlation = (): Float64Array[] =>
    all.map((_, j) =>
      Float64Array.from(
        all,
        (_, k) => moments[Math.max(j, k)]![Math.min(j, k)]! / (scale[j]! * scale[k]! || 1),
      ),
    )

  const chosen = forward(correlation(), usable, y)
  if (chosen === null) return null
  let needed = chosen
  for (const feature of chosen) {
    const without = needed.filter(other => other !== feature)
    if (without.length > 0 && swept(correlation(), without)[y]![y]! < 1 - LEAK_R2) needed = without
  }
  const fit = swept(correlation(), needed)
  const slopes = needed.map(j => (fit[j]![y]! * scale[y]!) / scale[j]!)
  return {
    features: needed.map(j => names[j]!),
    coefficients: Object.fromEntries(needed.map((j, i) => [names[j]!, slopes[i]!])),
    intercept: means[y]! - needed.reduce((sum, j, i) => sum + slopes[i]! * means[j]!, 0),
    r2: Math.min(1, 1 - fit[y]![y]!),
  }
}

function forward(matrix: Float64Array[], usable: readonly number[], y: number): number[] | null {
  const chosen: number[] = []
  while (matrix[y]![y]! >= 1 - LEAK_R2) {
    let best = -1
    let most = 0
    for (const j of usable) {
      if (chosen.includes(j) || matrix[j]![j]! < COLLINEAR) continue
      const gain = matrix[j]![y]! ** 2 / matrix[j]![j]!
      if (gain > most) {
        best = j
        most = gain
      }
    }
    if (best === -1) return null
    sweep(matrix, best)
    chosen.push(best)
  }
  return chosen
}

function swept(matrix: Float64Array[], features: readonly number[]): Float64Array[] {
  for (const feature of features) sweep(matrix, feature)
  return matrix
}

/** In place; afterwards `matrix[k][y]` is the standardised coefficient and `matrix[y][y]` is 1 - R2. */
function sweep(matrix: Float64Array[], k: number): void {
  const pivot = matrix[k]![k]!
  const row = matrix[k]!.map(value => value / pivot)
  for (let i = 0; i < matrix.length; i++) {
    if (i === k) continue
    const factor = matrix[i]![k]!
    const at = matrix[i]!
    for (let j = 0; j < at.length; j++) at[j]! -= factor * row[j]!
    at[k] = -factor / pivot
  }
  row[k] = 1 / pivot
  matrix[k] = row
}
