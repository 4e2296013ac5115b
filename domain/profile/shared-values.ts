import type { ColumnProfile, ProfileValue } from './profile.js'

/** Rows of the same values in either version; at the end, those of all others. */
export interface SharedValues {
  readonly values: readonly ProfileValue[]
  readonly from: readonly number[]
  readonly to: readonly number[]
}

/** Columns with more distinct values than that are compared by something else, as they are of a set no longer. */
const MOST_DISTINCT = 50

/**
 * The frequent values of two columns whose rows are known on both sides: listed in either, or known to be in no row.
 * @returns null where either has too many values, or none is known on both sides
 */
export function sharedValues(from: ColumnProfile, to: ColumnProfile): SharedValues | null {
  if (from.distinct > MOST_DISTINCT || to.distinct > MOST_DISTINCT) return null
  const [before, after] = [countsOf(from), countsOf(to)]
  const values = [...new Set([...before.keys(), ...after.keys()])].filter(
    key => (before.has(key) || isComplete(from, before)) && (after.has(key) || isComplete(to, after)),
  )
  if (values.length === 0) return null
  const rows = (known: ReadonlyMap<string, number>, count: number): number[] => {
    const counts = values.map(key => known.get(key) ?? 0)
    return [...counts, count - counts.reduce((sum, one) => sum + one, 0)]
  }
  return {
    values: values.map(key => JSON.parse(key) as ProfileValue),
    from: rows(before, from.count),
    to: rows(after, to.count),
  }
}

function countsOf({ top }: ColumnProfile): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { value, count } of top) {
    // Long texts that begin alike are shown alike.
    const key = JSON.stringify(value)
    if (value !== null) counts.set(key, (counts.get(key) ?? 0) + count)
  }
  return counts
}

function isComplete({ count }: ColumnProfile, known: ReadonlyMap<string, number>): boolean {
  return [...known.values()].reduce((sum, one) => sum + one, 0) === count
}
