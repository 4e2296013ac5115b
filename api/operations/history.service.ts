import { createGunzip } from 'node:zlib'
import { pipeline, type Readable } from 'node:stream'
import { Inject, Injectable } from '@nestjs/common'
import { WorkflowNotFoundError } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import type { FastifyReply } from 'fastify'
import { MlforgeError } from '../../domain/errors.js'
import { isOpen } from '../../domain/runs/run-status.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { LOGGER, type Log, OBJECTS } from '../platform/tokens.js'
import { Temporal } from '../temporal/temporal.js'

const DEADLINE_MS = 10_000

/** Histories of workflows: what was archived when a run ended, else what Temporal has. */
@Injectable()
export class HistoryService {
  constructor(
    @Inject(OBJECTS) private readonly objects: ObjectStore,
    @Inject(LOGGER) private readonly log: Log,
    @Inject(Temporal) private readonly temporal: Temporal,
  ) {}

  async send(run: Run, reply: FastifyReply): Promise<void> {
    void reply.header('content-type', 'application/json; charset=utf-8')
    if (run.history !== null && !isOpen(run.status)) {
      void reply.send(this.unzipped(await this.objects.open(run.history)))
      return
    }
    void reply.send(await this.fromTemporal(run))
  }

  private unzipped(archive: Readable): Readable {
    return pipeline(archive, createGunzip(), error => {
      if (error) this.log.warn({ err: error }, 'an archived history could not be sent whole')
    })
  }

  private async fromTemporal(run: Run): Promise<string> {
    try {
      return await this.temporal.within(DEADLINE_MS, async client => {
        const handle = client.workflow.getHandle(run.workflowId, run.executionId ?? undefined)
        return historyToJSON(await handle.fetchHistory())
      })
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error
      const why = run.status === 'accepted' ? 'it has not started yet' : 'Temporal has no history of it'
      throw new MlforgeError('not_found', `Run ${run.id} has no history: ${why}.`)
    }
  }
}
