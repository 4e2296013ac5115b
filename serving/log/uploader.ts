import { readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from 'pino'
import { MlforgeError } from '../../domain/errors.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import type { NewSegment } from '../../stores/postgres/prediction-store.js'
import type { PredictionLog } from './prediction-log.js'
import type { SealedSegment } from './segment-files.js'

const BACK_OFF_MS = { first: 200, most: 10_000 }

/** Where sealed segments are announced to those who ingest them; the same segment again is no error. */
interface SegmentCatalogue {
  /** @throws MlforgeError already_exists where this replica's number is known with other content */
  addSegment(segment: NewSegment): Promise<void>
}

export interface UploadPorts {
  readonly project: string
  readonly predictions: PredictionLog
  readonly objects: ObjectStore
  readonly catalogue: SegmentCatalogue
  readonly log: Logger
}

/** Sends sealed segments, the oldest first: object, then catalogue, then the file is removed. */
export class Uploader {
  private wake: () => void = () => undefined
  private failures = 0

  constructor(
    private readonly ports: UploadPorts,
    private readonly stop: AbortSignal,
  ) {
    ports.predictions.onSealed = () => {
      if (this.failures === 0) this.wake()
    }
    stop.addEventListener('abort', () => this.wake())
    void this.run()
  }

  /** Resolves when everything is sent, or with what cannot be after so many milliseconds. */
  async drain(deadlineMs: number): Promise<void> {
    const end = Date.now() + deadlineMs
    this.failures = 0
    this.wake()
    while (this.ports.predictions.unsent > 0 && Date.now() < end) await wait(20)
  }

  private async run(): Promise<void> {
    while (!this.stop.aborted) {
      const next = this.ports.predictions.oldest()
      if (next === undefined) {
        await this.woken()
        continue
      }
      try {
        await this.send(next.facts, next.path)
        this.failures = 0
      } catch (error) {
        const delay = Math.min(BACK_OFF_MS.most, BACK_OFF_MS.first * 2 ** this.failures++)
        const reason = error instanceof Error ? error.message : String(error)
        const level = this.failures === 1 ? 'warn' : 'debug'
        this.ports.log[level](
          { reason, segment: next.facts.segment },
          'a segment cannot be sent; trying again',
        )
        const isOld = error instanceof MlforgeError && error.code === 'already_exists'
        if (!isOld || !(await this.isRenamed())) await this.woken(delay)
      }
    }
  }

  /** The directory is an older copy of itself, as after a restore: under another name its segments are new. */
  private async isRenamed(): Promise<boolean> {
    const { predictions, log } = this.ports
    const before = predictions.replica
    try {
      await predictions.rename()
    } catch (error) {
      log.error({ err: error }, 'a new identity cannot be written; trying again')
      return false
    }
    log.warn({ before, now: predictions.replica }, 'this replica has a new identity: its old one has gone on')
    return true
  }

  private async send(facts: SealedSegment, path: string): Promise<void> {
    const { project, predictions, objects, catalogue } = this.ports
    const { uri, sha256, bytes } = await objects.write(project, await readFile(path))
    await catalogue.addSegment({
      project,
      replica: predictions.replica,
      segment: facts.segment,
      uri,
      sha256,
      bytes: String(bytes),
      records: facts.records,
      firstSequence: String(facts.firstSequence),
      lastSequence: String(facts.lastSequence),
      gaps: facts.gaps,
      sealedAt: new Date(facts.sealedAt),
    })
    await predictions.sent(facts)
  }

  /** Until something is sealed or stopped, or the time is over. */
  private woken(afterMs?: number): Promise<void> {
    return new Promise(resolve => {
      const timer = afterMs === undefined ? undefined : setTimeout(resolve, afterMs).unref()
      this.wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
