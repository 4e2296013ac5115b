/** Segments of one replica by their numbers, both ends included. */
export interface SegmentRange {
  readonly replica: string
  readonly first: number
  readonly last: number
}

/** Reads `replica/3` and `replica/3-19`. */
export function segmentRange(text: string): SegmentRange {
  const [replica, numbers] = text.split('/') as [string, string]
  const [first, last = first] = numbers.split('-').map(Number) as [number, number?]
  return { replica, first, last }
}

/**
 * The same segments in as few texts as there are gaps between their numbers: a day of a replica has
 * thousands. In the order of replicas and numbers.
 */
export function joinSegments(texts: Iterable<string>): string[] {
  const joined: { replica: string; first: number; last: number }[] = []
  for (const range of [...texts].map(segmentRange).toSorted(inOrder)) {
    const before = joined.at(-1)
    if (before?.replica === range.replica && range.first <= before.last + 1) {
      before.last = Math.max(before.last, range.last)
    } else joined.push({ ...range })
  }
  return joined.map(({ replica, first, last }) => `${replica}/${first === last ? first : `${first}-${last}`}`)
}

/** The first of the ranges that shares a number with the one before it; undefined where none does. */
export function sharedRange(ranges: readonly SegmentRange[]): SegmentRange | undefined {
  const sorted = ranges.toSorted(inOrder)
  return sorted.find((range, at) => {
    const before = sorted[at - 1]
    return before?.replica === range.replica && range.first <= before.last
  })
}

function inOrder(a: SegmentRange, b: SegmentRange): number {
  return a.replica === b.replica ? a.first - b.first : a.replica < b.replica ? -1 : 1
}
