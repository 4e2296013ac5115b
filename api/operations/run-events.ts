import { setTimeout as wait } from 'node:timers/promises'
import { Inject, Injectable } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import type { Config } from '../../config/config.js'
import { isOpen } from '../../domain/runs/run-status.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import { RunWakes } from '../../stores/redis/wake.js'
import { Draining } from '../platform/draining.js'
import { CONFIG, LOGGER, type Log } from '../platform/tokens.js'
import { operationView } from '../runs/run-view.js'

const POLL_MS = 1_000
const HEARTBEAT_MS = 15_000

/** What is told of a run: the same id says that nothing has changed. */
export interface RunLook {
  idOf(run: Run): Promise<string>
  viewOf(run: Run): Promise<object>
}

/**
 * Server-sent events of one run: `state` whenever it changed, and `end` after the last. Redis says when to
 * look; without it the row is read each second.
 */
@Injectable()
export class RunEvents {
  /** The row's sequence grows with every write. */
  private readonly row: RunLook = {
    idOf: ({ sequence }) => Promise.resolve(String(sequence)),
    viewOf: run => Promise.resolve(operationView(run, this.config.temporal)),
  }

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly log: Log,
    @Inject(RunStore) private readonly runs: RunStore,
    @Inject(RunWakes) private readonly wakes: RunWakes,
    @Inject(Draining) private readonly draining: Draining,
  ) {}

  /**
   * @param lastEventId what the client has seen before its connection broke
   * @param look what is told; the run's row where it is left out
   */
  async stream(
    first: Run,
    reply: FastifyReply,
    lastEventId: string | undefined,
    look: RunLook = this.row,
  ): Promise<void> {
    if (lastEventId === (await look.idOf(first)) && !isOpen(first.status)) {
      // Tells a reconnecting EventSource that there is nothing more to come.
      return void reply.status(204).send()
    }
    reply.hijack()
    const { raw } = reply
    raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // One that stays open afterwards would keep a process that drains from ending.
      connection: 'close',
      'x-accel-buffering': 'no',
    })
    raw.flushHeaders()
    const gone = new AbortController()
    raw.once('close', () => gone.abort())
    try {
      await this.follow(
        first,
        lastEventId,
        look,
        text => raw.write(text),
        AbortSignal.any([gone.signal, this.draining.signal]),
      )
    } catch (error) {
      // The client takes up where it was by its Last-Event-ID.
      this.log.warn({ err: error, runId: first.id }, 'events ended early')
    }
    raw.end()
  }

  private async follow(
    first: Run,
    lastEventId: string | undefined,
    look: RunLook,
    send: (text: string) => void,
    stop: AbortSignal,
  ): Promise<void> {
    let seen = lastEventId
    let quietSince = Date.now()
    let wake = () => {}
    const unsubscribe = this.wakes.subscribe(first.id, () => wake())
    try {
      for (let run = first; !stop.aborted; run = await this.runs.get(first.project, first.id)) {
        const id = await look.idOf(run)
        if (id !== seen) {
          seen = id
          quietSince = Date.now()
          send(`id: ${seen}\nevent: state\ndata: ${JSON.stringify(await look.viewOf(run))}\n\n`)
        } else if (Date.now() - quietSince > HEARTBEAT_MS) {
          quietSince = Date.now()
          send(': still there\n\n')
        }
        if (!isOpen(run.status)) {
          send(`event: end\ndata: ${JSON.stringify({ status: run.status })}\n\n`)
          return
        }
        const woken = new AbortController()
        wake = () => woken.abort()
        await wait(POLL_MS, undefined, { signal: AbortSignal.any([stop, woken.signal]) }).catch(
          () => undefined,
        )
      }
    } finally {
      unsubscribe()
    }
  }
}
