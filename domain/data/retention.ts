/** Which versions of a dataset are kept, beside those that something names. Each rule alone keeps a version. */
export interface Retention {
  /** The newest so many versions of each branch; at least 1. */
  readonly keepLast: number
  /** Versions that were made within so many days. */
  readonly keepDays: number
  /** Versions that a tag points at. They are kept in any case: the rule is there to be seen. */
  readonly keepTagged: true
}

/** A version as retention looks at it. */
export interface RetainedVersion {
  readonly version: number
  readonly branch: string
  /** Milliseconds since the epoch. */
  readonly createdMs: number
}

export interface RetentionFacts {
  /** Milliseconds since the epoch. */
  readonly nowMs: number
  /** Versions that something names: a branch, a tag, a model, a training, a run that is open. */
  readonly named: ReadonlySet<number>
  /** When the oldest run began that is open; null where none is. Milliseconds since the epoch. */
  readonly openSinceMs: number | null
}

const DAY_MS = 86_400_000

/**
 * Numbers of the versions that a dataset does not keep. A version that was the newest of its branch while a run
 * that is open was under way is kept: that run may have asked for the newest one.
 * @param versions those that are not retired, in any order
 */
export function retirable(
  versions: readonly RetainedVersion[],
  { keepLast, keepDays }: Retention,
  { nowMs, named, openSinceMs }: RetentionFacts,
): number[] {
  const branches = new Map<string, RetainedVersion[]>()
  for (const each of versions) branches.set(each.branch, [...(branches.get(each.branch) ?? []), each])
  return [...branches.values()]
    .flatMap(branch => {
      const newestFirst = branch.toSorted((a, b) => b.version - a.version)
      return newestFirst.filter((each, place) => {
        const next = newestFirst[place - 1]
        return (
          next !== undefined &&
          place >= keepLast &&
          each.createdMs < nowMs - keepDays * DAY_MS &&
          (openSinceMs === null || next.createdMs < openSinceMs) &&
          !named.has(each.version)
        )
      })
    })
    .map(({ version }) => version)
    .sort((a, b) => a - b)
}

/**
 * Numbers of versions of a dataset that a request, or an outcome of a step, may name: rather too many than too
 * few. What does not have the name of the dataset in it names none of its versions.
 * @param value any JSON
 */
export function versionsNamed(value: unknown, dataset: string): number[] {
  const numbers = new Set<number>()
  let isNamed = false
  const visit = (inner: unknown, key: string): void => {
    if (inner === dataset || (typeof inner === 'string' && inner.startsWith(`${dataset}@`))) isNamed = true
    const number = typeof inner === 'number' ? inner : typeof inner === 'string' ? numberIn(inner) : NaN
    const isPinned = typeof inner === 'string' && inner.startsWith(`${dataset}@`)
    if (Number.isInteger(number) && (isPinned || /version|base|from|to/i.test(key))) numbers.add(number)
    if (typeof inner !== 'object' || inner === null) return
    for (const [below, each] of Object.entries(inner)) visit(each, Array.isArray(inner) ? key : below)
  }
  visit(value, '')
  return isNamed ? [...numbers].sort((a, b) => a - b) : []
}

/** Of `7` and `name@7`. */
function numberIn(text: string): number {
  const match = /(?:^|@)(\d{1,9})$/.exec(text)
  return match === null ? NaN : Number(match[1])
}
