/** A file of the catalogue as far as it matters which files are merged. Times are epoch milliseconds. */
export interface CompactableFile {
  readonly id: string
  readonly minEventTime: number
  readonly maxEventTime: number
  readonly maxRevision: number
  readonly rows: number
  readonly bytes: number
  /** Ingested files that it is made of; 1 for one of them. */
  readonly sources: number
  /** When its newest rows were ingested. */
  readonly createdAt: number
}

export interface CompactionPolicy {
  /** Files that are worth a merge while more of their kind come. */
  readonly files: number
  /** After so long without a new file, two are worth one. */
  readonly quietMs: number
  /** No merge makes a file beyond these. */
  readonly maxRows: number
  readonly maxBytes: number
}

const DAY_MS = 86_400_000

/** Each span of event time is so many times the one before: 1 day, 8 days, 64 days. */
const SPAN_FACTOR = 8
const LONGEST_MS = DAY_MS * SPAN_FACTOR ** 8

/** DuckDB has all files of a merge open at once. */
export const MOST_FILES_MERGED = 500

/** How many times as large as its largest source a merged file must be at least. */
const GROWTH = { growing: 4, quiet: 2 }

/**
 * Which files of one deployment become one: groups of ids that share nothing, the smallest files first.
 *
 * Files are merged only within a group of one day of event time (one that crosses midnight: of the
 * smallest of 8, 64, ... days that holds it) and of one `maxRevision`. A merge therefore changes nothing
 * in which rows a reader from some plan revision on gets, and next to nothing in which it gets by event time.
 *
 * Within a group merging is size-tiered, as in an LSM tree: files are taken in the order of their size
 * as long as the merged file is a multiple of the largest, 4 times while more files come and twice once
 * the group is quiet. So a row is rewritten at most log2(`maxRows`) times, 20 for a million, and about
 * log4 of what its day has; and a quiet group is left with at most two files of each power of two below
 * the limits, most often one, beside those that are full.
 */
export function planCompaction(
  files: readonly CompactableFile[],
  policy: CompactionPolicy,
  now: number,
): string[][] {
  const plan: string[][] = []
  for (const group of grouped(files).values()) {
    const isQuiet = group.every(file => file.createdAt <= now - policy.quietMs)
    const least = isQuiet ? 2 : policy.files
    const growth = isQuiet ? GROWTH.quiet : GROWTH.growing
    let rest = group
      .filter(({ rows, bytes }) => rows < policy.maxRows && bytes < policy.maxBytes)
      .toSorted(bySize)
    for (;;) {
      const count = countMerged(rest, policy, growth)
      if (count < least) break
      plan.push(rest.slice(0, count).map(({ id }) => id))
      rest = rest.slice(count)
    }
  }
  return plan
}

/** Length of the longest beginning that may become one file; 0 where there is none. */
function countMerged(
  files: readonly CompactableFile[],
  { maxRows, maxBytes }: CompactionPolicy,
  growth: number,
): number {
  let [rows, bytes, weight, largest, longest] = [0, 0, 0, 0, 0]
  for (const [at, file] of files.slice(0, MOST_FILES_MERGED).entries()) {
    rows += file.rows
    bytes += file.bytes
    if (rows > maxRows || bytes > maxBytes) break
    weight += weightOf(file)
    largest = Math.max(largest, weightOf(file))
    if (at > 0 && weight >= growth * largest) longest = at + 1
  }
  return longest
}

/** A merged file weighs what its sources do; one without rows weighs too. */
function weightOf({ rows, sources }: CompactableFile): number {
  return rows + sources
}

/** Files of about one size stay in the order of event time, so that neighbours are merged. */
function bySize(a: CompactableFile, b: CompactableFile): number {
  const tier = (file: CompactableFile) => Math.floor(Math.log2(weightOf(file)))
  return tier(a) - tier(b) || a.minEventTime - b.minEventTime || (a.id < b.id ? -1 : 1)
}

function grouped(files: readonly CompactableFile[]): Map<string, CompactableFile[]> {
  const groups = new Map<string, CompactableFile[]>()
  for (const file of files) {
    const key = groupOf(file)
    const group = groups.get(key)
    if (group) group.push(file)
    else groups.set(key, [file])
  }
  return groups
}

function groupOf({ minEventTime, maxEventTime, maxRevision }: CompactableFile): string {
  let span = DAY_MS
  while (span < LONGEST_MS && Math.floor(minEventTime / span) !== Math.floor(maxEventTime / span)) {
    span *= SPAN_FACTOR
  }
  return `${maxRevision}/${span}/${Math.floor(minEventTime / span)}`
}
