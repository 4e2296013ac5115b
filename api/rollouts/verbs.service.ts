import { randomUUID } from 'node:crypto'
import { Inject, Injectable } from '@nestjs/common'
import { WorkflowNotFoundError } from '@temporalio/client'
import type { VerbAccepted } from '../../contracts/rest/rollouts.js'
import {
  type RolloutResult,
  rolloutVerb,
  type VerbAnswered,
  type VerbOrder,
} from '../../contracts/temporal/rollouts.js'
import { MlforgeError } from '../../domain/errors.js'
import type { RolloutSpec } from '../../domain/rollouts/spec.js'
import { isOpen } from '../../domain/runs/run-status.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { LedgerStore } from '../../stores/postgres/ledger-store.js'
import { answerFor, type Idempotency } from '../http/idempotency.js'
import type { Principal } from '../http/request.js'
import { refusalOf } from '../temporal/refusal.js'
import { Temporal } from '../temporal/temporal.js'
import { compiledPlan } from './rollout-view.js'
import { RolloutsService } from './rollouts.service.js'

const DEADLINE_MS = 10_000

/** A verb without what the service adds. */
export type VerbRequest =
  | { readonly kind: 'promote'; readonly full: boolean }
  | { readonly kind: 'pause' | 'resume' | 'abort' | 'rollback' | 'approve' }

/** Verbs are not queued: they are taken by the workflow now, or refused with the reason. */
@Injectable()
export class VerbsService {
  constructor(
    @Inject(RolloutsService) private readonly rollouts: RolloutsService,
    @Inject(LedgerStore) private readonly ledger: LedgerStore,
    @Inject(Temporal) private readonly temporal: Temporal,
  ) {}

  /** @throws MlforgeError rollout_closed, wrong_state, forbidden, idempotency_key_reused, unavailable */
  async send(
    caller: Principal,
    id: string,
    request: VerbRequest,
    idempotency?: Idempotency,
  ): Promise<VerbAccepted> {
    const run = await this.rollouts.find(caller.project, id)
    if (!isOpen(run.status)) return this.afterEnd(caller, run, request, idempotency)
    try {
      const answer = await this.temporal.within(DEADLINE_MS, client =>
        client.workflow.getHandle(run.workflowId).executeUpdate(rolloutVerb, {
          args: [verbOf(caller, id, request, idempotency)],
          updateId: verbId(caller, request, idempotency) ?? randomUUID(),
        }),
      )
      return accepted(id, answer, idempotency)
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw refusalOf(error) ?? error
      const now = await this.rollouts.find(caller.project, id)
      if (!isOpen(now.status)) return this.afterEnd(caller, now, request, idempotency)
      throw new MlforgeError(
        'unavailable',
        `Rollout ${id} has not begun yet. Send the verb again in a moment.`,
      )
    }
  }

  /**
   * A closed rollout takes no verb; who asks again what it took gets the answer of then. Going back to the
   * version before it is a new, instant rollout.
   */
  private async afterEnd(
    caller: Principal,
    run: Run,
    request: VerbRequest,
    idempotency?: Idempotency,
  ): Promise<VerbAccepted> {
    const { rollout: outcome, verbs } = (run.result ?? {}) as Partial<RolloutResult>
    const id = verbId(caller, request, idempotency)
    const taken = verbs?.find(([known]) => known === id)
    if (taken) return accepted(run.id, taken[1], idempotency)
    if (request.kind !== 'rollback' || outcome !== 'promoted') throw closed(run)
    const stable = compiledPlan(await this.ledger.steps(run.id))?.stable ?? null
    if (stable === null) {
      throw new MlforgeError('wrong_state', `Rollout ${run.id} was the first: there is no version before it.`)
    }
    const { deployment, model } = run.request as RolloutSpec
    const spec: RolloutSpec = {
      deployment,
      model,
      candidate: { version: stable },
      strategy: { kind: 'instant', cause: 'rollback' },
      force: null,
      reason: `rollback of rollout ${run.id}`,
    }
    const back = await this.rollouts.accept(caller, spec, idempotency)
    const message = `Version ${stable} comes back at once, by a rollout of its own.`
    return { rolloutId: back.id, status: back.status, message }
  }
}

/** Keys are of a principal and a route: the same one with another verb is another request. */
function verbId({ name }: Principal, { kind }: VerbRequest, idempotency?: Idempotency): string | undefined {
  return idempotency && `${name} ${kind} ${idempotency.key}`
}

function verbOf(
  { name: by, role }: Principal,
  rolloutId: string,
  request: VerbRequest,
  idempotency?: Idempotency,
): VerbOrder {
  const from = { rolloutId, by, ...(idempotency ? { bodySha256: idempotency.bodySha256 } : {}) }
  if (request.kind === 'promote') return { ...request, ...from }
  if (request.kind !== 'approve') return { kind: request.kind, ...from }
  return { kind: 'approve', role: role === 'admin' ? 'admin' : 'operator', ...from }
}

function accepted(rolloutId: string, answered: VerbAnswered, idempotency?: Idempotency): VerbAccepted {
  return { rolloutId, ...answerFor(answered, idempotency) }
}

function closed({ id, status }: Run): MlforgeError {
  return new MlforgeError('rollout_closed', `Rollout ${id} has ended (${status}). Start another one.`)
}
