import type {
  IncidentLook,
  IncidentLookAnswer,
  LookAtIncidentInput,
  RecordIncidentInput,
  ResumedIncident,
} from '../contracts/temporal/incidents.js'
import type { RunInput } from '../contracts/temporal/messages.js'
import type { RolloutResult } from '../contracts/temporal/rollouts.js'
import { canonicalJson, type Json } from '../domain/canonical-json.js'
import { incidentPolicy } from '../domain/retraining/policy.js'
import { fullTrafficRevision } from '../domain/routing/full-traffic.js'
import { isUnderWay } from '../domain/runs/run-status.js'
import { firstAnswered } from '../stores/duckdb/predictions-first.js'
import { sha256Hex } from '../stores/ids.js'
import type { Run } from '../stores/postgres/entities/run.js'
import { runOfIncident } from '../stores/postgres/incident-store.js'
import type { Ports } from './ports.js'
import { awaitChange } from './await-change.js'
import { withScratch } from './scratch.js'
import { versionGiven } from './version-given.js'

type IncidentPorts = Pick<
  Ports,
  'runs' | 'ledger' | 'incidents' | 'drift' | 'deployments' | 'predictions' | 'objects' | 'scratch' | 'wakes'
>

/** More than anybody looks at; the oldest are left out, so that a look stays small. */
const MOST_WINDOWS = 300

export function incidentActivities(ports: IncidentPorts) {
  const { runs, incidents, drift, deployments, predictions, objects, scratch, wakes } = ports

  return {
    /** Where this attempt takes the incident up. */
    async resumeIncident({ runId }: RunInput): Promise<ResumedIncident> {
      const { state, events, message } = await incidents.resume(runId)
      return { state, events, said: message }
    },

    /** Windows, the incident's own training and rollout, and rollouts of others. */
    async lookAtIncident(input: LookAtIncidentInput): Promise<IncidentLookAnswer> {
      const { hash, look } = await lookAround(input)
      return hash === input.seen ? { hash } : { hash, look }
    },

    /** Ends when a look would see something else than the one with this hash. */
    async awaitIncidentChange(input: LookAtIncidentInput): Promise<void> {
      await awaitChange(async () => (await lookAround(input)).hash, input.seen, input.limits)
    },

    async recordIncident(input: RecordIncidentInput): Promise<void> {
      const { state, message, first, entries: events } = input
      await incidents.record(input, { state, message, first, events })
      wakes.publish(input.runId)
    },
  }

  async function lookAround(input: LookAtIncidentInput): Promise<Required<IncidentLookAnswer>> {
    const { project, name, from } = input
    const deployment = await deployments.get(project, name)
    const windows = await drift.assessments(deployment.id)
    const look: IncidentLook = {
      policy: incidentPolicy(deployment.retraining?.incident, deployment.monitoring?.breachesInARow),
      windows: windows.filter(({ window }) => window.start >= from).slice(-MOST_WINDOWS),
      ...(input.following === 'training' ? await ownTraining(input) : {}),
      ...(input.following === 'rollout' ? await ownRollout(input, deployment.id) : {}),
      ...(await otherRollout(input)),
    }
    return { hash: sha256Hex(canonicalJson(look as unknown as Json)), look }
  }

  async function ownTraining({
    project,
    runId,
    retraining: number,
  }: LookAtIncidentInput): Promise<Pick<IncidentLook, 'retraining'>> {
    const run = await runs.find(project, runOfIncident(runId, 'training', number))
    if (run === null) return {}
    if (isUnderWay(run)) return { retraining: { number, status: 'running' } }
    const version = run.status === 'succeeded' ? await versionGiven(ports, run) : null
    if (version !== null) return { retraining: { number, status: 'registered', version } }
    // A pipeline says no by any of its gates: a comparison, expectations of its data, a person.
    const isRefused = run.kind === 'pipeline' ? run.status === 'refused' : run.error?.code === 'gate_refused'
    const status = isRefused ? 'gate_refused' : 'failed'
    return { retraining: { number, status, evidence: evidenceOf(run) } }
  }

  async function ownRollout(
    { project, runId, retraining: number, version }: LookAtIncidentInput,
    deploymentId: string,
  ): Promise<Pick<IncidentLook, 'rollout'>> {
    const run = await runs.find(project, runOfIncident(runId, 'rollout', number))
    if (run === null || version === null) return {}
    if (isUnderWay(run)) return { rollout: { version, status: 'running' } }
    const evidence = evidenceOf(run)
    switch ((run.result as Partial<RolloutResult> | null)?.rollout) {
      case 'promoted': {
        const completedAt = await servesFrom(deploymentId, run.id, version)
        return { rollout: { version, status: 'completed', completedAt } }
      }
      case 'rolled_back':
        return { rollout: { version, status: 'rolled_back', evidence } }
      case 'aborted':
        return { rollout: { version, status: 'aborted', evidence } }
      default:
        return { rollout: { version, status: run.status === 'cancelled' ? 'aborted' : 'failed', evidence } }
    }
  }

  /**
   * Event time from which the version answers everything: of the first prediction by a plan that gives it
   * all traffic. Before there is one: just after all predictions that are known.
   */
  async function servesFrom(deploymentId: string, rolloutId: string, version: number): Promise<number> {
    const plans = await deployments.plansOf(deploymentId, rolloutId)
    const revision = fullTrafficRevision(plans, version)
    const files = await predictions.files(deploymentId)
    const latest = Math.max(-1, ...files.map(file => file.maxEventTime.getTime()))
    if (revision === null) return latest + 1
    const first = await withScratch(scratch, async directory => {
      const local = await Promise.all(files.map(file => objects.toFile(file.uri, directory)))
      return firstAnswered(local, revision, { temporaryDirectory: directory })
    })
    return first ?? latest + 1
  }

  async function otherRollout({
    project,
    runId,
    name,
    retraining: number,
  }: LookAtIncidentInput): Promise<Pick<IncidentLook, 'otherRollout'>> {
    const own = runOfIncident(runId, 'rollout', number)
    const open = await runs.openRollout(project, name)
    return open && open.id !== own ? { otherRollout: { rolloutId: open.id } } : {}
  }
}

export type IncidentActivities = ReturnType<typeof incidentActivities>

function evidenceOf({ id, kind, status, error, result }: Run) {
  const { reason } = (result ?? {}) as { reason?: string }
  return {
    [kind]: id,
    status,
    ...(error ? { code: error.code, message: error.message, ...error.details } : {}),
    ...(reason ? { reason } : {}),
  }
}
