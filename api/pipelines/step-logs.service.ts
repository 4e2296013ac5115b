import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { Inject, Injectable } from '@nestjs/common'
import type { FastifyReply } from 'fastify'
import { isOver } from '../../domain/pipelines/progress.js'
import { isOpen } from '../../domain/runs/run-status.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import type { PipelineStep } from '../../stores/postgres/entities/pipeline.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { PipelineRunStore } from '../../stores/postgres/pipeline-run-store.js'
import { RunStore } from '../../stores/postgres/run-store.js'
import { type StepLogRef, StepLogStore } from '../../stores/postgres/step-log-store.js'
import { RunWakes } from '../../stores/redis/wake.js'
import type { Principal } from '../http/request.js'
import { Draining } from '../platform/draining.js'
import { LOGGER, type Log, OBJECTS } from '../platform/tokens.js'
import { PipelineRunsService } from './pipeline-runs.service.js'
import { after } from './skip-bytes.js'

const POLL_MS = 1_000
const CHUNKS_AT_ONCE = 16
const HEADERS = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }
/** A connection that stays open afterwards would keep a process that drains from ending. */
const FOLLOW_HEADERS = { ...HEADERS, connection: 'close', 'x-accel-buffering': 'no' }

/** What steps have printed, also while they print. Between two reads no connection of the database is held. */
@Injectable()
export class StepLogsService {
  constructor(
    @Inject(OBJECTS) private readonly objects: ObjectStore,
    @Inject(LOGGER) private readonly log: Log,
    @Inject(RunStore) private readonly rows: RunStore,
    @Inject(PipelineRunStore) private readonly pipelineRuns: PipelineRunStore,
    @Inject(StepLogStore) private readonly stepLogs: StepLogStore,
    @Inject(RunWakes) private readonly wakes: RunWakes,
    @Inject(Draining) private readonly draining: Draining,
    @Inject(PipelineRunsService) private readonly runs: PipelineRunsService,
  ) {}

  /** @throws MlforgeError not_found */
  async send(
    { project }: Principal,
    id: string,
    { step, generation: asked, follow }: { step: string; generation?: number; follow: boolean },
    reply: FastifyReply,
  ): Promise<void> {
    const { run, spec, generation, newest } = await this.runs.step(project, id, step, asked)
    const ref = { runId: id, step: spec.name, generation }
    if (!follow) {
      void reply.headers(HEADERS).send(Readable.from(this.lines(ref), { objectMode: false }))
      return
    }
    reply.hijack()
    const { raw } = reply
    raw.writeHead(200, { ...(reply.getHeaders() as Record<string, string>), ...FOLLOW_HEADERS })
    // Nothing may come for long: that the log is there is said at once.
    raw.flushHeaders()
    const gone = new AbortController()
    raw.once('close', () => gone.abort())
    const stop = AbortSignal.any([gone.signal, this.draining.signal])
    const hasEnded = async (row: PipelineStep | null) =>
      generation < newest || isDone(await this.rows.get(run.project, id), row)
    try {
      await pipeline(Readable.from(this.lines(ref, { stop, hasEnded }), { objectMode: false }), raw)
    } catch (error) {
      // The answer is cut, so nobody takes it for the whole log.
      if (!gone.signal.aborted) this.log.warn({ ...ref, err: error }, 'the log of a step ended early')
    }
  }

  /** The rows of a log, and what comes to them; what has become an object meanwhile goes on there. */
  private async *lines(
    ref: StepLogRef,
    follow?: { stop: AbortSignal; hasEnded: (row: PipelineStep | null) => Promise<boolean> },
  ): AsyncGenerator<Uint8Array> {
    let [sequence, bytes] = [0, 0]
    let wake = () => {}
    const unsubscribe = follow ? this.wakes.subscribe(ref.runId, () => wake()) : undefined
    try {
      for (;;) {
        // Before the rows are read: what was printed before the end is among them.
        const row = await this.pipelineRuns.step(ref)
        const isLast = !follow || (await follow.hasEnded(row))
        for (;;) {
          const chunks = await this.stepLogs.read(ref, sequence, CHUNKS_AT_ONCE)
          if (chunks.length === 0) break
          sequence = chunks.at(-1)!.sequence
          const content = Buffer.from(chunks.map(({ text }) => text).join(''))
          bytes += content.length
          yield content
        }
        const { log: archive } = (await this.pipelineRuns.step(ref)) ?? { log: null }
        if (archive !== null) {
          yield* after(await this.objects.open(archive), bytes)
          return
        }
        if (isLast || follow.stop.aborted) return
        const woken = new AbortController()
        wake = () => woken.abort()
        const signal = AbortSignal.any([follow.stop, woken.signal])
        await wait(POLL_MS, undefined, { signal }).catch(() => undefined)
      }
    } finally {
      unsubscribe?.()
    }
  }
}

/** Whether nothing more is printed: a step that failed in an earlier attempt may be begun in this one. */
function isDone(run: Run, row: PipelineStep | null): boolean {
  if (!isOpen(run.status)) return true
  if (row === null || !isOver(row.state)) return false
  return row.state === 'succeeded' || row.attempt >= run.attempt
}
