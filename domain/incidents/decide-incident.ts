import type { WindowAssessment } from '../drift/assessments.js'
import {
  automaticRetrainings,
  DEFAULT_INCIDENT_POLICY,
  type EscalationReason,
  type Evidence,
  type IncidentDecision,
  type IncidentObservation,
  type IncidentPolicy,
  type IncidentState,
} from './incident.js'
import { gatherData, isWithdrawn, observeWindows, recovery, requestedData } from './incident-windows.js'

/**
 * What an incident does next. The same state and observation always give the same decision, and what
 * comes first in event time decides, however late it is seen. Apply it with `applyDecision`.
 */
export function decideIncident(
  state: IncidentState,
  observation: IncidentObservation,
  policy: IncidentPolicy = DEFAULT_INCIDENT_POLICY,
): IncidentDecision {
  switch (state.status) {
    case 'open':
    case 'waiting_for_data':
      return state.requested === null
        ? gather(state, observation, policy)
        : retrainAsRequested(state, observation, policy)
    case 'retraining':
      return followRetraining(state, observation, policy)
    case 'rolling_out':
      return followRollout(state, observation, policy)
    case 'observing':
      return state.requested === null
        ? observe(state, observation, policy)
        : retrainAsRequested(state, observation, policy)
    case 'escalated':
      if (state.requested !== null) return retrainAsRequested(state, observation, policy)
      return {
        do: 'wait',
        for: 'human',
        to: 'escalated',
        message: 'waiting for a human: retrain, close or suppress',
      }
    case 'closed':
    case 'suppressed':
      return { do: 'nothing', to: state.status, message: state.status }
  }
}

function gather(
  state: IncidentState,
  observation: IncidentObservation,
  policy: IncidentPolicy,
): IncidentDecision {
  const { windows } = observation
  if (state.retrainings.length === 0 && isWithdrawn(state, windows, policy)) {
    const ids = state.openedBy.map(({ id }) => id)
    // Nothing is settled: a window that is still breached may open another incident with the next.
    const settledUntil = state.openedBy[0]!.start
    const message = `corrected labels: ${ids.join(' and ')} are no longer breached in a row`
    return {
      do: 'close',
      to: 'closed',
      reason: 'withdrawn',
      settledUntil,
      evidence: { windows: ids },
      message,
    }
  }
  const { rows, ready, notBefore } = gatherData(state, windows, policy)
  const recovered = recovery(state, windows, policy)
  if (recovered !== null && (ready === null || recovered.at(-1)!.window.end <= ready.last.window.end)) {
    return close('recovered', recovered, 'without a retraining')
  }
  if (automaticRetrainings(state) >= policy.maxAutomaticRetrainings) return retrainingsUsed(state, {})
  if (ready !== null) {
    const { last } = ready
    return retrain(state, observation, policy, 'automatic', {
      rows: ready.rows,
      dataUntil: last.window.end,
    })
  }
  const required = policy.requiredRows
  if (rows < required) {
    const message = `waiting for data ${rows}/${required}`
    return { do: 'wait', for: 'data', to: 'waiting_for_data', rows, required, message }
  }
  const message = `waiting for a window that ends at ${new Date(notBefore).toISOString()} or later`
  return { do: 'wait', for: 'spacing', to: 'waiting_for_data', until: notBefore, message }
}

function retrainAsRequested(
  state: IncidentState,
  observation: IncidentObservation,
  policy: IncidentPolicy,
): IncidentDecision {
  const data = requestedData(state, observation.windows, state.requested!.dataUntil)
  return retrain(state, observation, policy, 'requested', data)
}

function retrain(
  state: IncidentState,
  observation: IncidentObservation,
  policy: IncidentPolicy,
  trigger: 'automatic' | 'requested',
  data: { rows: number; dataUntil: number },
): IncidentDecision {
  const wait = waitForOtherRollout(state, observation, policy)
  if (wait !== null) return wait
  const { rows, dataUntil } = data
  return {
    do: 'retrain',
    to: 'retraining',
    number: state.retrainings.length + 1,
    trigger,
    dataFrom: state.openedBy[0]!.start,
    dataUntil,
    rows,
    message: `retraining with ${rows} labelled rows until ${new Date(dataUntil).toISOString()}`,
  }
}

/** A rollout that somebody else has in progress is waited for, never replaced. */
function waitForOtherRollout(
  state: IncidentState,
  { now, otherRollout }: IncidentObservation,
  policy: IncidentPolicy,
): IncidentDecision | null {
  if (otherRollout === undefined) return null
  const { rolloutId } = otherRollout
  const since = state.waitingSince ?? now
  const deadline = since + policy.rolloutDeadlineMs
  if (now >= deadline) {
    const message = `rollout ${rolloutId} is still in progress after ${policy.rolloutDeadlineMs / 3_600_000} h`
    return escalate('rollout_in_progress', { rolloutId, since, deadline }, message)
  }
  const to = state.status === 'open' ? 'waiting_for_data' : state.status
  const message = `waiting for rollout ${rolloutId} to end`
  return { do: 'wait', for: 'other_rollout', to, since, deadline, message }
}

function followRetraining(
  state: IncidentState,
  observation: IncidentObservation,
  policy: IncidentPolicy,
): IncidentDecision {
  const { number } = state.retrainings.at(-1)!
  const seen = observation.retraining
  if (seen === undefined || seen.number !== number || seen.status === 'running') {
    return { do: 'wait', for: 'retraining', to: 'retraining', message: `retraining ${number} is running` }
  }
  switch (seen.status) {
    case 'registered': {
      const { version } = seen
      const message = `rolling out version ${version}`
      return (
        waitForOtherRollout(state, observation, policy) ?? {
          do: 'roll_out',
          to: 'rolling_out',
          version,
          message,
        }
      )
    }
    case 'gate_refused':
      return escalate('gate_refused', seen.evidence, `retraining ${number} was refused by its gate`)
    case 'failed':
      return escalate('retraining_failed', seen.evidence, `retraining ${number} failed`)
  }
}

function followRollout(
  state: IncidentState,
  observation: IncidentObservation,
  policy: IncidentPolicy,
): IncidentDecision {
  const version = state.retrainings.at(-1)!.version!
  const { rollout: seen } = observation
  if (seen === undefined || seen.version !== version || seen.status === 'running') {
    const message = `version ${version} is being rolled out`
    const wait: IncidentDecision = { do: 'wait', for: 'rollout', to: 'rolling_out', message }
    // Somebody else was quicker by a moment: ours has not begun.
    return (seen === undefined ? waitForOtherRollout(state, observation, policy) : null) ?? wait
  }
  switch (seen.status) {
    case 'completed': {
      const from = seen.completedAt
      return { do: 'observe', to: 'observing', version, from, message: `observing version ${version}` }
    }
    case 'rolled_back':
      return escalate('rolled_back', seen.evidence, `version ${version} was rolled back`)
    case 'aborted':
      return escalate('rollout_aborted', seen.evidence, `the rollout of version ${version} was aborted`)
    case 'failed':
      return escalate('rollout_failed', seen.evidence, `the rollout of version ${version} failed`)
  }
}

function observe(
  state: IncidentState,
  { windows }: IncidentObservation,
  policy: IncidentPolicy,
): IncidentDecision {
  const version = state.retrainings.at(-1)!.version!
  const seen = observeWindows(version, state.observedFrom!, windows, policy)
  switch (seen.verdict) {
    case 'undecided': {
      const [healthy, required] = [seen.healthy.length, policy.healthyToClose]
      const message = `observing version ${version}: ${healthy}/${required} windows without breach`
      return { do: 'wait', for: 'windows', to: 'observing', healthy, required, message }
    }
    case 'fixed':
      return close('fixed', seen.healthy, `with version ${version}`)
    case 'replaced': {
      const [window, other] = [seen.by.window.id, seen.by.versions[0]!]
      const message = `version ${version} was replaced by version ${other} before it was observed`
      return escalate('replaced', { window, version, replacedBy: other }, message)
    }
    case 'breached': {
      const { window } = seen.by
      if (automaticRetrainings(state) >= policy.maxAutomaticRetrainings) {
        return retrainingsUsed(state, { window: window.id, version })
      }
      const message = `version ${version} is breached in ${window.id} too`
      return { do: 'try_again', to: 'waiting_for_data', breached: window, message }
    }
  }
}

function retrainingsUsed({ retrainings }: IncidentState, evidence: Evidence): IncidentDecision {
  const message = `${retrainings.length} retrainings did not end the breach`
  return escalate('retrainings_used', { ...evidence, retrainings }, message)
}

function close(
  reason: 'fixed' | 'recovered',
  healthy: readonly WindowAssessment[],
  how: string,
): IncidentDecision {
  const windows = healthy.map(({ window }) => window.id)
  const settledUntil = healthy.at(-1)!.window.end
  const message = `${windows.join(' and ')} without breach, ${how}`
  return { do: 'close', to: 'closed', reason, settledUntil, evidence: { windows }, message }
}

function escalate(reason: EscalationReason, evidence: Evidence, message: string): IncidentDecision {
  return { do: 'escalate', to: 'escalated', reason, evidence, message }
}
