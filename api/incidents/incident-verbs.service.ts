import { randomUUID } from 'node:crypto'
import { Inject, Injectable } from '@nestjs/common'
import { WorkflowNotFoundError } from '@temporalio/client'
import type { IncidentVerbAccepted } from '../../contracts/rest/incidents.js'
import {
  type IncidentOrder,
  type IncidentResult,
  incidentVerb,
  type IncidentVerbAnswered,
} from '../../contracts/temporal/incidents.js'
import { MlforgeError } from '../../domain/errors.js'
import { isIncidentOpen } from '../../domain/incidents/incident-status.js'
import { isOpen } from '../../domain/runs/run-status.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { IncidentStore } from '../../stores/postgres/incident-store.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import { answerFor, type Idempotency } from '../http/idempotency.js'
import type { Principal } from '../http/request.js'
import { refusalOf } from '../temporal/refusal.js'
import { Temporal } from '../temporal/temporal.js'

const DEADLINE_MS = 10_000

/** A verb without who says it; times as they came. */
export type VerbRequest = { readonly reason: string } & (
  | { readonly verb: 'acknowledge' }
  | { readonly verb: 'retrain'; readonly dataUntil?: string | undefined }
  | { readonly verb: 'close' | 'suppress'; readonly settledUntil?: string | undefined }
)

/** Verbs are not queued: they are taken by the workflow now, or refused with the reason. */
@Injectable()
export class IncidentVerbsService {
  constructor(
    @Inject(IncidentStore) private readonly incidents: IncidentStore,
    @Inject(RunStore) private readonly runs: RunStore,
    @Inject(Temporal) private readonly temporal: Temporal,
  ) {}

  /** @throws MlforgeError wrong_state, invalid_request, idempotency_key_reused, unavailable */
  async send(
    { project, name: by }: Principal,
    id: string,
    request: VerbRequest,
    idempotency?: Idempotency,
  ): Promise<IncidentVerbAccepted> {
    // Keys are of a principal and a route: the same one with another verb is another request.
    const verbId = idempotency && `${by} ${request.verb} ${idempotency.key}`
    const incident = await this.incidents.get(project, id)
    const run = await this.runs.get(project, incident.id)
    // Nothing but an earlier answer can come of a verb for an ended incident.
    const isOver = !isIncidentOpen(incident.status) && verbId === undefined
    if (isOver || !isOpen(run.status)) return this.afterEnd(run, verbId, idempotency)
    try {
      const answer = await this.temporal.within(DEADLINE_MS, client =>
        client.workflow.getHandle(run.workflowId).executeUpdate(incidentVerb, {
          args: [orderOf(by, request, idempotency)],
          updateId: verbId ?? randomUUID(),
        }),
      )
      return accepted(id, answer, idempotency)
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw refusalOf(error) ?? error
      const now = await this.runs.get(project, id)
      if (!isOpen(now.status)) return this.afterEnd(now, verbId, idempotency)
      throw new MlforgeError(
        'unavailable',
        `Incident ${id} has not begun yet. Send the verb again in a moment.`,
      )
    }
  }

  /** An incident that nobody follows takes no verb; who asks again what it took gets the answer of then. */
  private async afterEnd(
    { project, id, status: ended, result }: Run,
    verbId: string | undefined,
    idempotency?: Idempotency,
  ): Promise<IncidentVerbAccepted> {
    const { verbs } = (result ?? {}) as Partial<IncidentResult>
    const taken = verbs?.find(([known]) => known === verbId)
    if (taken) return accepted(id, taken[1], idempotency)
    const { status } = await this.incidents.get(project, id)
    if (!isIncidentOpen(status)) {
      throw new MlforgeError('wrong_state', `The incident is ${status}; it takes no verbs.`)
    }
    throw new MlforgeError(
      'wrong_state',
      `Nobody follows the incident: its run was ${ended}. Start it again by POST /v1/operations/${id}/retry, then send the verb.`,
    )
  }
}

function accepted(
  incidentId: string,
  answered: IncidentVerbAnswered,
  idempotency?: Idempotency,
): IncidentVerbAccepted {
  return { incidentId, ...answerFor(answered, idempotency) }
}

function orderOf(by: string, request: VerbRequest, idempotency?: Idempotency): IncidentOrder {
  const { verb, reason } = request
  const from = { by, reason, ...(idempotency ? { bodySha256: idempotency.bodySha256 } : {}) }
  if (verb === 'acknowledge') return { verb, ...from }
  if (verb === 'retrain') {
    const { dataUntil } = request
    return { verb, ...from, ...(dataUntil === undefined ? {} : { dataUntil: Date.parse(dataUntil) }) }
  }
  const { settledUntil } = request
  return { verb, ...from, ...(settledUntil === undefined ? {} : { settledUntil: Date.parse(settledUntil) }) }
}
