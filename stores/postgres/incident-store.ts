import { type DataSource, type EntityManager, In, Not } from 'typeorm'
import { DEFAULT_ALARM_POLICY, openingRow, type WindowAssessment } from '../../domain/drift/assessments.js'
import { MlforgeError } from '../../domain/errors.js'
import { type Evidence, type IncidentState, openIncident } from '../../domain/incidents/incident.js'
import {
  type IncidentSignal,
  type IncidentStatus,
  isIncidentOpen,
} from '../../domain/incidents/incident-status.js'
import type { RetryPolicy } from '../../domain/runs/retry-policy.js'
import { derivedId, uuidv7 } from '../ids.js'
import type { Deployment } from './entities/deployment.js'
import { Incident, IncidentEvent } from './entities/incident.js'
import { Run } from './entities/run.js'
import { page, type PageOf, type PageRequest } from './paging.js'
import { RunStore } from './run-store.js'

export interface NewIncidentEvent {
  /** Epoch milliseconds of the clock. */
  readonly at: number
  readonly status: IncidentStatus
  readonly message: string
  readonly evidence: Evidence
}

export interface IncidentRecord {
  readonly state: IncidentState
  readonly message: string
  /** Number of the first event. */
  readonly first: number
  readonly events: readonly NewIncidentEvent[]
}

export interface IncidentFilter extends PageRequest {
  readonly deploymentId?: string
  readonly status?: IncidentStatus
}

/** The run of an incident's training or rollout: always the same for the same retraining. */
export function runOfIncident(incidentId: string, what: 'training' | 'rollout', number: number): string {
  return derivedId(incidentId, what, String(number))
}

/** Incidents, as their workflows have left them, and what has happened in each. */
export class IncidentStore {
  private readonly runs: RunStore

  constructor(private readonly dataSource: DataSource) {
    this.runs = new RunStore(dataSource)
  }

  /**
   * Opens an incident where breached windows in a row give ground for one, in the transaction that
   * records the newest of them: incident, its first event, its run and the promise to start it are there
   * with that window or not at all. Where one is open already it stays the only one.
   * @param assessments all that are known of the deployment, one a window, in order of event time
   * @returns its id where it was opened now
   */
  async openIfDue(
    transaction: EntityManager,
    deployment: Deployment,
    assessments: readonly WindowAssessment[],
    retryPolicy: RetryPolicy,
  ): Promise<string | null> {
    const { id: deploymentId, project, name, monitoring } = deployment
    const signal: IncidentSignal = 'errors'
    // What one incident settles on its way out another must not open with at the same moment.
    await takeTurns(transaction, deploymentId)
    const { breachesInARow } = monitoring ?? DEFAULT_ALARM_POLICY
    const settledUntil = await settled(transaction, deploymentId, signal)
    const row = openingRow(assessments, {
      breachesInARow,
      ...(settledUntil === null ? {} : { settledUntil }),
    })
    if (row === null) return null
    const state = openIncident(row)
    const id = uuidv7()
    const openedAt = new Date()
    const message = `opened by ${state.openedBy.map(window => window.id).join(' and ')}`
    const values = {
      id,
      project,
      deploymentId,
      signal,
      status: state.status,
      message,
      state,
      events: 1,
      openedAt,
    }
    const inserted = await transaction
      .createQueryBuilder()
      .insert()
      .into(Incident)
      .values(values as never)
      .orIgnore()
      .returning('id')
      .execute()
    if ((inserted.raw as unknown[]).length === 0) return null
    const event = { incidentId: id, number: 1, at: openedAt, status: state.status, message }
    await transaction.insert(IncidentEvent, { ...event, evidence: { windows: row } } as never)
    await this.runs.acceptIn(transaction, {
      id,
      project,
      kind: 'incident',
      name,
      request: { deployment: name, signal, openedBy: state.openedBy },
      principal: `deployment:${name}`,
      trigger: 'incident',
      retryPolicy,
    })
    return id
  }

  /**
   * Keeps what an incident has become, with what has happened, and shows it in the run's row. A write that
   * comes late, after later events, changes nothing.
   */
  async record(
    { runId, attempt }: { runId: string; attempt: number },
    { state, message, first, events }: IncidentRecord,
  ): Promise<void> {
    await this.dataSource.transaction(async transaction => {
      const { deploymentId } = await transaction.findOneByOrFail(Incident, { id: runId })
      await takeTurns(transaction, deploymentId)
      // An attempt that is over has nothing to say any more.
      if (!(await transaction.existsBy(Run, { id: runId, attempt }))) return
      const rows = events.map((event, at) => ({
        ...event,
        incidentId: runId,
        number: first + at,
        at: new Date(event.at),
      }))
      if (rows.length > 0) {
        await transaction
          .createQueryBuilder()
          .insert()
          .into(IncidentEvent)
          .values(rows as never)
          .orIgnore()
          .execute()
      }
      const { status } = state
      const count = first + events.length - 1
      const closedAt = isIncidentOpen(status) ? null : new Date(events.at(-1)?.at ?? Date.now())
      await transaction
        .createQueryBuilder()
        .update(Incident)
        .set({ status, message, state, events: count, closedAt } as never)
        .where('id = :runId AND events < :count', { runId, count })
        .execute()
      const touchedAt = new Date()
      await transaction.update(Run, { id: runId, attempt, status: 'running' }, { stage: status, touchedAt })
    })
  }

  /** Where the run takes the incident up, after every write of an attempt before it. */
  async resume(id: string): Promise<Pick<Incident, 'state' | 'events' | 'message'>> {
    return this.dataSource.transaction(async transaction => {
      const { deploymentId } = await transaction.findOneByOrFail(Incident, { id })
      await takeTurns(transaction, deploymentId)
      return transaction.findOneByOrFail(Incident, { id })
    })
  }

  async get(project: string, id: string): Promise<Incident> {
    const found = await this.dataSource
      .getRepository(Incident)
      .findOne({ where: { project, id }, relations: { deployment: true } })
    if (found) return found
    throw new MlforgeError('not_found', `There is no incident ${id} in project ${project}.`)
  }

  /** Id of the deployment's incident that has not ended; null for none. */
  async openOf(deploymentId: string): Promise<string | null> {
    const status = Not(In(['closed', 'suppressed']))
    const found = await this.dataSource.getRepository(Incident).findOneBy({ deploymentId, status })
    return found?.id ?? null
  }

  async list(
    project: string,
    { deploymentId, status, ...request }: IncidentFilter,
  ): Promise<PageOf<Incident>> {
    const query = this.dataSource
      .getRepository(Incident)
      .createQueryBuilder('incident')
      .leftJoinAndSelect('incident.deployment', 'deployment')
      .where({ project })
    if (deploymentId !== undefined) query.andWhere({ deploymentId })
    if (status !== undefined) query.andWhere({ status })
    return page(query, ['openedAt', 'id'], request)
  }

  /** Newest first. */
  async events(incidentId: string, request: PageRequest): Promise<PageOf<IncidentEvent>> {
    const query = this.dataSource.getRepository(IncidentEvent).createQueryBuilder('event')
    return page(query.where({ incidentId }), ['number'], request)
  }
}

/** Until the transaction ends nobody else opens or ends an incident of the deployment. */
async function takeTurns(transaction: EntityManager, deploymentId: string): Promise<void> {
  await transaction.query(`SELECT pg_advisory_xact_lock(hashtextextended('incidents/' || $1::text, 0))`, [
    deploymentId,
  ])
}

/** Event time up to which incidents that have ended have settled the deployment's windows. */
async function settled(
  transaction: EntityManager,
  deploymentId: string,
  signal: IncidentSignal,
): Promise<number | null> {
  const rows: { until: string | null }[] = await transaction.query(
    `SELECT max((state->>'settledUntil')::bigint) AS until FROM incidents
     WHERE deployment_id = $1 AND signal = $2`,
    [deploymentId, signal],
  )
  const until = rows[0]?.until ?? null
  return until === null ? null : Number(until)
}
