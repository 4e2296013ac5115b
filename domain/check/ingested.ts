import type { CheckProblem, StackFacts } from './facts.js'
import type { PredictionFileFacts, SegmentFacts } from './serving-facts.js'

interface Range {
  first: number
  last: number
}

/** Bounds of the records of a segment that were new; the same number twice where that is sure. */
interface Kept {
  readonly least: number
  readonly most: number
}

const keyOf = ({ replica, segment }: SegmentFacts) => `${replica}/${segment}`

/**
 * Segments against the files that were made of them, whatever those were merged into: each in one
 * batch of files, and the rows of a batch are the records of its segments, less those that a replica had
 * sealed before (`worker/ingest.ts`).
 */
export function countBatches({ segments, predictionFiles }: StackFacts): CheckProblem[] {
  const ingested = segments.filter(segment => segment.ingestedAt !== null)
  const kept = keptOf(ingested)
  const oldest = new Map<string, number>()
  for (const { replica, segment } of segments) {
    oldest.set(replica, Math.min(segment, oldest.get(replica) ?? segment))
  }
  const batches = grouped(
    predictionFiles.filter(({ sources }) => sources === 1),
    file => file.segments.join(' '),
  )
  const problems: CheckProblem[] = []
  const seen = new Map<string, string>()
  for (const [batch, files] of batches) {
    const names = files[0]!.segments
    const again = names.filter(name => seen.has(name))
    for (const name of names) seen.set(name, batch)
    problems.push(...repeats(files, again), ...missing(files[0]!, kept, oldest))
    if (names.every(name => kept.has(name)))
      problems.push(
        ...miscount(
          files,
          names.map(name => kept.get(name)!),
        ),
      )
  }
  for (const [name, { least }] of kept) {
    if (least > 0 && !seen.has(name)) problems.push(miscounted(`segment ${name}`, 0, { least, most: least }))
  }
  return problems
}

function repeats(files: readonly PredictionFileFacts[], again: readonly string[]): CheckProblem[] {
  const deployments = new Set(files.map(file => file.deploymentId))
  const twice = [...again, ...(deployments.size < files.length ? [files[0]!.segments[0]!] : [])]
  return twice.map(name => ({
    code: 'segment_repeated',
    at: `segment ${name}`,
    message:
      'Two sets of prediction files were made of it, so it was ingested twice. Report this; readers count an id once all the same.',
  }))
}

/** A segment older than the oldest that is there was cleared away, with all before it. */
function missing(
  { segments }: PredictionFileFacts,
  kept: ReadonlyMap<string, Kept>,
  oldest: ReadonlyMap<string, number>,
): CheckProblem[] {
  return segments
    .filter(name => {
      const [replica, number] = name.split('/')
      return !kept.has(name) && Number(number) >= (oldest.get(replica!) ?? Infinity)
    })
    .map(name => ({
      code: 'segment_not_ingested',
      at: `segment ${name}`,
      message:
        'Prediction files were made of it, but its row does not say that it is ingested. One was changed by hand: restore a backup.',
    }))
}

function miscount(files: readonly PredictionFileFacts[], kept: readonly Kept[]): CheckProblem[] {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
  const rows = sum(files.map(file => file.rows))
  const bounds = { least: sum(kept.map(each => each.least)), most: sum(kept.map(each => each.most)) }
  if (rows >= bounds.least && rows <= bounds.most) return []
  return [miscounted(`file ${files[0]!.uri}`, rows, bounds)]
}

function miscounted(at: string, rows: number, { least, most }: Kept): CheckProblem {
  const expected = least === most ? `${least}` : `${least} to ${most}`
  const message = `${rows} rows were made of segments with ${expected} new records. Predictions were lost or counted twice: restore a backup, and report this.`
  return { code: 'predictions_miscounted', at, message }
}

/**
 * How much of each segment was new when it was ingested: what lies outside of all ranges of its replica
 * that were ingested before. Where a segment's numbers have holes (dropped records), only bounds are known.
 */
function keptOf(ingested: readonly SegmentFacts[]): Map<string, Kept> {
  const kept = new Map<string, Kept>()
  for (const own of grouped(ingested, ({ project, replica }) => `${project} ${replica}`).values()) {
    const known: Range[] = []
    const inOrder = own.toSorted(
      (a, b) => a.ingestedAt!.getTime() - b.ingestedAt!.getTime() || a.segment - b.segment,
    )
    for (const segment of inOrder) {
      const { records, firstSequence: first, lastSequence: last } = segment
      const shared = records === 0 ? 0 : take(known, { first, last })
      const least = Math.max(0, records - shared)
      kept.set(keyOf(segment), {
        least,
        most: records === 0 ? 0 : Math.min(records, last - first + 1 - shared),
      })
    }
  }
  return kept
}

/** Adds a range to ranges that are in order and apart, and says how many of its numbers they had. */
function take(known: Range[], { first, last }: Range): number {
  let shared = 0
  let at = known.length
  // From the end: what comes is nearly always newer than all that is known.
  while (at > 0 && known[at - 1]!.last >= first - 1) at--
  const touched = known.slice(at).filter(range => range.first <= last + 1)
  for (const range of touched) {
    shared += Math.max(0, Math.min(range.last, last) - Math.max(range.first, first) + 1)
  }
  const merged = {
    first: Math.min(first, ...touched.map(range => range.first)),
    last: Math.max(last, ...touched.map(range => range.last)),
  }
  known.splice(at, touched.length, merged)
  return shared
}

function grouped<T>(items: readonly T[], by: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(by(item))
    if (group) group.push(item)
    else groups.set(by(item), [item])
  }
  return groups
}
