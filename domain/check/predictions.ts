import type { CheckProblem, StackFacts } from './facts.js'
import { countBatches } from './ingested.js'
import { checkReplacements } from './replacements.js'
import type { SegmentFacts } from './serving-facts.js'

/** A segment that waits for longer has something in its way. */
const WAITING_SECONDS = 60

/** The prediction log from the replicas to the files that everything reads, and what became of predictions. */
export function checkPredictions(facts: StackFacts): CheckProblem[] {
  return [
    ...segmentGaps(facts),
    ...notIngested(facts),
    ...countBatches(facts),
    ...checkReplacements(facts),
    ...inFiles(facts),
    ...labels(facts),
  ]
}

/** Numbers of each replica, from the oldest that is there. */
function segmentGaps({ segments }: StackFacts): CheckProblem[] {
  const problems: CheckProblem[] = []
  const last = new Map<string, number>()
  for (const { project, replica, segment } of segments) {
    const key = `${project} ${replica}`
    const before = last.get(key)
    last.set(key, segment)
    if (before === undefined || before + 1 === segment) continue
    const message = `Segments ${before + 1} to ${segment - 1} of its prediction log never came, though later ones did. Look for them in the replica's directory, and restart it there; else their predictions are lost.`
    problems.push({ code: 'segment_gap', at: `replica ${replica}`, message })
  }
  return problems
}

function notIngested({ segments, now }: StackFacts): CheckProblem[] {
  return segments.flatMap((segment): CheckProblem[] => {
    const { records, tries, problem, ingestedAt } = segment
    const at = `segment ${segment.replica}/${segment.segment}`
    if (problem !== null) {
      const message = `It is never ingested: ${problem} Its ${records} predictions are not counted. Cure the cause (an object brought back, a deployment created) and clear the row's problem: then it is.`
      return [{ code: 'segment_refused', at, message }]
    }
    if (ingestedAt !== null) return []
    const seconds = Math.floor((now.getTime() - arrival(segment).getTime()) / 1000)
    if (seconds <= WAITING_SECONDS) return []
    const tried = tries === 0 ? '' : ` and ${tries} tries`
    const message = `Its ${records} predictions have waited for ${seconds} s${tried} to be ingested. Look at worker-io with mlforge status, and at its log.`
    return [{ code: 'ingest_overdue', at, message }]
  })
}

/** One that was long without a database to tell has waited only since it came. */
function arrival({ tries, dueAt, sealedAt }: SegmentFacts): Date {
  return tries === 0 ? dueAt : sealedAt
}

/** Predictions in files that were ingested twice, and labels that say something else than the files. */
function inFiles(facts: StackFacts): CheckProblem[] {
  return facts.logged.flatMap(({ deploymentId, repeated, mismatched }): CheckProblem[] => {
    const at = deploymentOf(facts, deploymentId)
    const twice = `${repeated} records in its prediction files have the number of another one: they were ingested twice, or two replicas use one identity. Report this; readers count an id once all the same.`
    const wrong = `${mismatched} of its labels are said to have a prediction that is in no file, or to have none though a file has it. Report this; their values and what is counted are right.`
    return [
      ...(repeated > 0 ? [{ code: 'prediction_repeated', at, message: twice } as const] : []),
      ...(mismatched > 0 ? [{ code: 'label_mismatched', at, message: wrong } as const] : []),
    ]
  })
}

function labels(facts: StackFacts): CheckProblem[] {
  return facts.labels.flatMap(({ deploymentId, misnumbered, repeated, mismarked }): CheckProblem[] => {
    const at = deploymentOf(facts, deploymentId)
    const gap = `The revisions of ${misnumbered} of its labels are not 0, 1, 2 and so on. Rows were deleted or added by hand: restore a backup.`
    const twice = `${repeated} corrections of its labels say what held already: they were taken twice. Report this; the values are right.`
    const marks = `${mismarked} of its labels are marked as matched or reported where they cannot be: as corrections, or before anybody has looked. Rows were changed by hand: restore a backup.`
    return [
      ...(misnumbered > 0 ? [{ code: 'label_gap', at, message: gap } as const] : []),
      ...(repeated > 0 ? [{ code: 'label_repeated', at, message: twice } as const] : []),
      ...(mismarked > 0 ? [{ code: 'label_mismarked', at, message: marks } as const] : []),
    ]
  })
}

function deploymentOf({ deployments }: StackFacts, deploymentId: string): string {
  return `deployment ${deployments.find(({ id }) => id === deploymentId)?.name ?? deploymentId}`
}
