import { randomUUID } from 'node:crypto'
import { Inject, Injectable } from '@nestjs/common'
import { WorkflowNotFoundError } from '@temporalio/client'
import type { IncidentVerbAccepted } from '../../contracts/rest/incidents.js'
import { type IncidentOrder, incidentVerb } from '../../contracts/temporal/incidents.js'
import { MlforgeError } from '../../domain/errors.js'
import { isIncidentOpen } from '../../domain/incidents/incident-status.js'
import { isOpen } from '../../domain/runs/run-status.js'
import { IncidentStore } from '../../stores/postgres/incident-store.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import type { Idempotency } from '../http/idempotency.js'
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

  /** @throws MlforgeError wrong_state, invalid_request, unavailable */
  async send(
    { project, name: by }: Principal,
    id: string,
    request: VerbRequest,
    idempotency?: Idempotency,
  ): Promise<IncidentVerbAccepted> {
    await this.assertFollowed(project, id)
    const { workflowId } = await this.runs.get(project, id)
    try {
      const answer = await this.temporal.within(DEADLINE_MS, client =>
        client.workflow.getHandle(workflowId).executeUpdate(incidentVerb, {
          args: [orderOf(by, request)],
          // Keys are of a principal and a route: the same one with another verb is another request.
          updateId: idempotency ? `${by} ${request.verb} ${idempotency.key}` : randomUUID(),
        }),
      )
      return { incidentId: id, ...answer }
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw refusalOf(error) ?? error
      await this.assertFollowed(project, id)
      throw new MlforgeError(
        'unavailable',
        `Incident ${id} has not begun yet. Send the verb again in a moment.`,
      )
    }
  }

  private async assertFollowed(project: string, id: string): Promise<void> {
    const { status } = await this.incidents.get(project, id)
    if (!isIncidentOpen(status)) {
      throw new MlforgeError('wrong_state', `The incident is ${status}; it takes no verbs.`)
    }
    const run = await this.runs.get(project, id)
    if (isOpen(run.status)) return
    throw new MlforgeError(
      'wrong_state',
      `Nobody follows the incident: its run was ${run.status}. Start it again by POST /v1/operations/${id}/retry, then send the verb.`,
    )
  }
}

function orderOf(by: string, request: VerbRequest): IncidentOrder {
  const { verb, reason } = request
  if (verb === 'acknowledge') return { verb, by, reason }
  if (verb === 'retrain') {
    const { dataUntil } = request
    return { verb, by, reason, ...(dataUntil === undefined ? {} : { dataUntil: Date.parse(dataUntil) }) }
  }
  const { settledUntil } = request
  return {
    verb,
    by,
    reason,
    ...(settledUntil === undefined ? {} : { settledUntil: Date.parse(settledUntil) }),
  }
}
