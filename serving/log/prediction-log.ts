import { closeSync, fdatasync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Logger } from 'pino'
import { addToGaps, type Gap } from '../../domain/serving/gaps.js'
import type { PredictionRecord } from '../../domain/serving/prediction-record.js'
import { encodeRecord } from '../../stores/segments/segment-codec.js'
import { adopt, type Adopted } from './adopt.js'
import type { ReplicaState } from './replica-state.js'
import type { SealedSegment, SegmentFiles } from './segment-files.js'

export type RecordDraft = Omit<PredictionRecord, 'sequence'>

/** What a record takes from a row. */
interface DraftedRow extends Pick<PredictionRecord, 'id' | 'role' | 'key' | 'eventTime' | 'features'> {
  readonly loaded: { readonly version: number }
}

export interface LogOptions {
  readonly sealSeconds: number
  readonly segmentBytes: number
  readonly flushSeconds: number
  readonly logBudgetBytes: number
}

interface Current {
  readonly segment: number
  readonly file: number
  readonly firstSequence: number
  lastSequence: number
  bytes: number
  records: number
  readonly timer: NodeJS.Timeout
}

const sync = promisify(fdatasync)
const RETRY_MS = 1_000

/**
 * A replica's own log of what it has predicted. A record is in the file, by write(2), before its answer is
 * given: a kill of the process loses nothing, a loss of power at most what came since the last flush.
 * Where the disk or the budget is full, records are dropped, counted and named as gaps; answers go on.
 */
export class PredictionLog {
  private current: Current | undefined
  private lastSegment: number
  private sequence: number
  /** Sequence of the last logged record of each deployment. */
  private readonly logged = new Map<string, number>()
  private gaps: readonly Gap[]
  /** Gaps of segments that are being sealed. */
  private readonly attaching = new Set<readonly Gap[]>()
  private readonly state: ReplicaState
  private readonly files: SegmentFiles
  private readonly sealed: SealedSegment[]
  private usedBytes: number
  private unflushed = false
  private work: Promise<void> = Promise.resolve()
  private readonly flusher: NodeJS.Timeout
  /** Told of each sealed segment. */
  onSealed: () => void = () => undefined
  dropped = 0

  private constructor(
    { state, files, sealed, lastSegment, sequence, gaps }: Adopted,
    private readonly options: LogOptions,
    private readonly log: Logger,
  ) {
    this.state = state
    this.files = files
    this.sealed = sealed
    this.lastSegment = lastSegment
    this.sequence = sequence
    this.gaps = gaps
    this.usedBytes = sealed.reduce((sum, { bytes }) => sum + bytes, 0)
    this.flusher = setInterval(() => this.flush(), options.flushSeconds * 1000).unref()
  }

  /** Opens the log of a directory and takes over what an earlier process left in it. */
  static async open(directory: string, options: LogOptions, log: Logger): Promise<PredictionLog> {
    return new PredictionLog(await adopt(directory, log), options, log)
  }

  get replica(): string {
    return this.state.replica
  }

  /** Takes another identity; records and numbers go on. */
  async rename(): Promise<void> {
    await this.state.rename()
  }

  get bytes(): number {
    return this.usedBytes
  }

  get unsent(): number {
    return this.sealed.length
  }

  /** Logs records with one write; never throws, since an answer does not depend on it. */
  append(drafts: readonly RecordDraft[]): void {
    if (drafts.length === 0) return
    const firstSequence = this.sequence + 1
    const frames = drafts.map(draft => encodeRecord({ sequence: ++this.sequence, ...draft }))
    const bytes = frames.length === 1 ? frames[0]! : Buffer.concat(frames)
    const fits = this.usedBytes + bytes.length <= this.options.logBudgetBytes
    if (!fits || !this.write(bytes, firstSequence, drafts.length)) return this.drop(drafts, firstSequence)
    this.usedBytes += bytes.length
    for (const [i, { deployment }] of drafts.entries()) this.logged.set(deployment, firstSequence + i)
    if (this.current!.bytes >= this.options.segmentBytes) this.rotate()
  }

  /** The sealed segment that was not sent for the longest time. */
  oldest(): { readonly facts: SealedSegment; readonly path: string } | undefined {
    const [facts] = this.sealed
    return facts && { facts, path: this.files.sealed(facts.segment) }
  }

  /** To be called when a segment is safe elsewhere. */
  async sent({ segment, bytes }: SealedSegment): Promise<void> {
    await this.files.remove(segment)
    this.sealed.splice(
      this.sealed.findIndex(other => other.segment === segment),
      1,
    )
    this.usedBytes -= bytes
  }

  /** Records that are still here, the newest segment first: what ids are remembered from after a restart. */
  async *recent(): AsyncGenerator<PredictionRecord[]> {
    for (const { segment } of this.sealed.toReversed()) yield await this.files.records(segment)
  }

  /** Seals what there is; nothing may be appended any more. */
  async close(): Promise<void> {
    clearInterval(this.flusher)
    this.rotate()
    await this.work
  }

  private write(bytes: Buffer, firstSequence: number, records: number): boolean {
    try {
      this.current ??= this.begin(firstSequence)
      for (let at = 0; at < bytes.length;) at += writeSync(this.current.file, bytes, at)
    } catch (error) {
      this.log.error({ err: error }, 'the prediction log cannot be written')
      // What was written of these records is cut off when the segment is sealed.
      this.rotate()
      return false
    }
    this.current.bytes += bytes.length
    this.current.records += records
    this.current.lastSequence = firstSequence + records - 1
    this.unflushed = true
    return true
  }

  private begin(firstSequence: number): Current {
    const segment = this.lastSegment + 1
    const file = openSync(this.files.open(segment), 'w', 0o600)
    const timer = setTimeout(() => this.rotate(), this.options.sealSeconds * 1000).unref()
    return { segment, file, firstSequence, lastSequence: firstSequence, bytes: 0, records: 0, timer }
  }

  private drop(drafts: readonly RecordDraft[], firstSequence: number): void {
    if (this.dropped === 0) this.log.error('the budget of the prediction log is spent: records are dropped')
    this.dropped += drafts.length
    for (const [i, { deployment, eventTime }] of drafts.entries()) {
      const record = { deployment, sequence: firstSequence + i, eventTime }
      this.gaps = addToGaps(this.gaps, record, this.logged.get(deployment) ?? 0)
    }
    try {
      this.state.note({ sequence: this.sequence, gaps: this.allGaps() })
    } catch (error) {
      this.log.error({ err: error }, 'a gap cannot be noted')
    }
    this.unflushed = true
  }

  private allGaps(): Gap[] {
    return [...[...this.attaching].flat(), ...this.gaps]
  }

  private rotate(): void {
    const { current } = this
    if (current === undefined) return
    this.current = undefined
    if (current.records === 0) {
      clearTimeout(current.timer)
      closeSync(current.file)
      rmSync(this.files.open(current.segment), { force: true })
      return
    }
    this.lastSegment = current.segment
    const { gaps } = this
    this.gaps = []
    this.attaching.add(gaps)
    this.work = this.work.then(() => this.seal(current, gaps))
  }

  /** Tries until it succeeds: until then the segment is an open one, which the next process would adopt. */
  private async seal({ file, timer, ...facts }: Current, gaps: readonly Gap[]): Promise<void> {
    clearTimeout(timer)
    const sealed = { ...facts, gaps, sealedAt: new Date().toISOString() }
    for (;;) {
      try {
        ftruncateSync(file, facts.bytes)
        await sync(file)
        await this.files.seal(sealed)
        this.attaching.delete(gaps)
        const { lastSequence: sequence, segment } = facts
        await this.state.save({
          segment,
          sequence: Math.max(sequence, this.state.sequence),
          gaps: this.allGaps(),
        })
        break
      } catch (error) {
        this.log.error({ err: error, segment: facts.segment }, 'a segment cannot be sealed; trying again')
        await wait(RETRY_MS)
      }
    }
    closeSync(file)
    this.sealed.push(sealed)
    this.onSealed()
  }

  private flush(): void {
    if (!this.unflushed) return
    this.unflushed = false
    this.work = this.work.then(async () => {
      try {
        // Sealing flushes as well.
        if (this.current) await sync(this.current.file)
        if (this.gaps.length > 0) await this.state.save({ sequence: this.sequence, gaps: this.allGaps() })
      } catch (error) {
        this.log.error({ err: error }, 'the prediction log cannot be flushed')
      }
    })
  }
}

/** A row as it is logged. */
export function draft(
  deployment: string,
  revision: number,
  { loaded, ...row }: DraftedRow,
  output: number,
  at: number,
): RecordDraft {
  const { id, role, key, eventTime, features } = row
  return { deployment, id, version: loaded.version, role, revision, key, eventTime, at, features, output }
}
