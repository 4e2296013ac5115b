import { isIncidentOpen } from '../incidents/incident-status.js'
import { isOpen } from '../runs/run-status.js'
import type { CheckProblem, StackFacts } from './facts.js'
import type { DriftWindowFacts, IncidentFacts } from './serving-facts.js'

/** Assessments of windows, and the incidents that follow from them. */
export function checkMonitoring(facts: StackFacts): CheckProblem[] {
  return [
    ...windows(facts),
    ...twice(facts),
    ...facts.incidents.flatMap(incident => [...eventGaps(incident), ...notFollowed(facts, incident)]),
  ]
}

/** The newest assessment of each window. */
export function latestWindows(windows: readonly DriftWindowFacts[]): DriftWindowFacts[] {
  return [...new Map(windows.map(window => [`${window.deploymentId} ${window.windowId}`, window])).values()]
}

function windows({ deployments, driftWindows }: StackFacts): CheckProblem[] {
  const problems: CheckProblem[] = []
  const last = new Map<string, DriftWindowFacts>()
  for (const window of driftWindows) {
    const { deploymentId, windowId, revision, fingerprint } = window
    const key = `${deploymentId} ${windowId}`
    const before = last.get(key)
    last.set(key, window)
    const name = deployments.find(({ id }) => id === deploymentId)?.name ?? deploymentId
    const at = `deployment ${name} window ${windowId}`
    if (revision !== (before?.revision ?? 0) + 1) {
      const message = `Revision ${revision} of its assessment follows ${before?.revision ?? 'none'}. Rows were deleted or added by hand: restore a backup.`
      problems.push({ code: 'window_gap', at, message })
    }
    if (fingerprint === before?.fingerprint) {
      const message = `Revisions ${before.revision} and ${revision} are of the same rows, labels and policy: one assessment was recorded twice. Report this; both say the same.`
      problems.push({ code: 'window_repeated', at, message })
    }
  }
  return problems
}

function twice({ deployments, incidents }: StackFacts): CheckProblem[] {
  const open = new Map<string, IncidentFacts[]>()
  for (const incident of incidents) {
    if (!isIncidentOpen(incident.status)) continue
    const key = `${incident.deploymentId} ${incident.signal}`
    open.set(key, [...(open.get(key) ?? []), incident])
  }
  return [...open.values()].flatMap((several): CheckProblem[] => {
    const [{ deploymentId, signal }] = several as [IncidentFacts]
    if (several.length < 2) return []
    const name = deployments.find(({ id }) => id === deploymentId)?.name ?? deploymentId
    const ids = several.map(({ id }) => id).join(' and ')
    const message = `Incidents ${ids} of signal ${signal} are open at once; only one may be. Close all but the first, and report this.`
    return [{ code: 'incident_twice', at: `deployment ${name}`, message }]
  })
}

function eventGaps({ id, events, logged, firstEvent, lastEvent }: IncidentFacts): CheckProblem[] {
  if (logged === events && firstEvent === 1 && lastEvent === events) return []
  const numbered = logged === 0 ? '' : `, numbered ${firstEvent} to ${lastEvent}`
  const message = `It says that it has ${events} events; ${logged} are there${numbered}. Restore a backup if they matter; what it did is in the run's history.`
  return [{ code: 'incident_event_gap', at: id, message }]
}

/** An open incident has a run that works on it, or will; who has cancelled it did so on purpose. */
function notFollowed({ runs }: StackFacts, { id, status }: IncidentFacts): CheckProblem[] {
  const run = runs.find(each => each.id === id)
  if (!isIncidentOpen(status) || run?.status === 'cancelled') return []
  if (run !== undefined && (isOpen(run.status) || run.nextAttemptAt !== null)) return []
  const message =
    run === undefined
      ? `It is ${status}, but there is no run that follows it. Restore a backup.`
      : `It is ${status}, but its run has ended as ${run.status}: nobody follows it. Retry it by POST /v1/operations/${id}/retry.`
  return [{ code: 'incident_not_followed', at: id, message }]
}
