import type { Logger } from 'pino'
import { storableText } from '../../domain/storable.js'
import type { LogEnd, StepLogRef, StepLogStore } from '../../stores/postgres/step-log-store.js'
import { type ArchivedLog, archiveStepLog, type StepLogPorts } from './step-log-archive.js'

const FLUSH_MS = 1_000
const CHUNK_BYTES = 64 * 1024
/** Of one step and generation, whatever number of tries. */
export const MAX_LOG_BYTES = 10 * 2 ** 20
const MAX_LINE_CHARACTERS = 8 * 1024

interface HeldLine {
  readonly text: string
  readonly bytes: number
}

interface Chunk {
  readonly text: string
  readonly lines: number
  readonly bytes: number
}

/**
 * The log of one try of a step: lines with their time, written each second and whenever 64 KiB have come.
 * A later try goes on after the earlier one. It never fails the step: what cannot be written is held, of
 * 10 MiB at most, until it can be; what even the end cannot write goes into the archive.
 */
export class StepLog {
  private held: HeldLine[] = []
  private heldBytes = 0
  private end: LogEnd | undefined
  /** Not known to be there: the same chunk is offered again, not another one of the same lines. */
  private pending: Chunk | undefined
  private writing: Promise<void> | undefined
  private isFull = false
  private isFailing = false
  private readonly timer: NodeJS.Timeout

  constructor(
    private readonly stepLogs: StepLogStore,
    private readonly ref: StepLogRef,
    private readonly logger: Pick<Logger, 'warn'>,
  ) {
    this.timer = setInterval(() => void this.flush(), FLUSH_MS).unref()
  }

  /** Adds a line; a text of several is several. */
  log(line: string): void {
    const time = new Date().toISOString()
    for (const part of line.split(/\r\n|\n|\r/)) {
      if (this.isFull) return
      this.hold(`${time} ${storableText(part.slice(0, MAX_LINE_CHARACTERS))}\n`)
    }
    if (this.heldBytes >= CHUNK_BYTES) void this.flush()
  }

  /** Writes what is held, as far as it can be written now. Nothing is written on its own afterwards. */
  async close(): Promise<void> {
    clearInterval(this.timer)
    while (this.writing !== undefined) await this.writing
    await this.flush()
  }

  /** Closes the log and makes one object of it: what is held goes into it as it is. */
  async archive(ports: StepLogPorts, project: string): Promise<ArchivedLog> {
    clearInterval(this.timer)
    while (this.writing !== undefined) await this.writing
    // Whether an offered chunk is there is not known before it is offered again; what has no room is cut there.
    if (this.pending !== undefined || !(await this.hasRoom())) await this.flush()
    return archiveStepLog(ports, project, this.ref, this.held.map(({ text }) => text).join(''))
  }

  /** Whether all that is held fits into the log; what cannot be asked is found out by the archive. */
  private async hasRoom(): Promise<boolean> {
    this.end ??= await this.stepLogs.end(this.ref).catch(() => undefined)
    return (this.end?.bytes ?? 0) + this.heldBytes <= MAX_LOG_BYTES
  }

  private hold(text: string): void {
    const bytes = Buffer.byteLength(text)
    if (this.heldBytes + bytes > MAX_LOG_BYTES) {
      this.isFull = true
      const last = restLeftOut(text)
      this.held.push({ text: last, bytes: Buffer.byteLength(last) })
    } else {
      this.held.push({ text, bytes })
      this.heldBytes += bytes
    }
  }

  private flush(): Promise<void> {
    this.writing ??= this.write()
      .then(
        () => void (this.isFailing = false),
        (error: unknown) => {
          if (!this.isFailing) {
            const context = { ...this.ref, error: String(error), lines: this.held.length }
            this.logger.warn(context, 'lines of a step are held: its log cannot be written')
          }
          this.isFailing = true
        },
      )
      .finally(() => (this.writing = undefined))
    return this.writing
  }

  /** All that is held now, and what comes meanwhile where it is much. */
  private async write(): Promise<void> {
    let left = this.held.length
    while (left > 0 || this.heldBytes >= CHUNK_BYTES) {
      this.end ??= await this.stepLogs.end(this.ref)
      const chunk = (this.pending ??= this.nextChunk(this.end))
      if (chunk === undefined) return
      const { sequence, bytes } = this.end
      if (!(await this.stepLogs.append(this.ref, sequence + 1, chunk.text))) {
        // Another try of the step writes too; the next sequence is asked for.
        this.end = undefined
        continue
      }
      this.end = { sequence: sequence + 1, bytes: bytes + Buffer.byteLength(chunk.text) }
      this.pending = undefined
      this.held.splice(0, chunk.lines)
      this.heldBytes = Math.max(0, this.heldBytes - chunk.bytes)
      left -= chunk.lines
    }
  }

  /** As many lines as make 64 KiB, and no more than the log has room for; undefined where it has none. */
  private nextChunk({ bytes: written }: LogEnd): Chunk | undefined {
    let bytes = 0
    let lines = 0
    let text = ''
    for (const line of this.held) {
      if (written + bytes + line.bytes > MAX_LOG_BYTES) return this.lastChunk(text, written, line.text)
      if (lines > 0 && bytes + line.bytes > CHUNK_BYTES) break
      text += line.text
      bytes += line.bytes
      lines++
    }
    return lines === 0 ? undefined : { text, lines, bytes }
  }

  /** The last that is taken, with a line that says so; an earlier try that went past the limit has said it. */
  private lastChunk(text: string, written: number, next: string): Chunk | undefined {
    this.isFull = true
    const taken = { lines: this.held.length, bytes: this.heldBytes }
    if (written <= MAX_LOG_BYTES) return { text: text + restLeftOut(next), ...taken }
    this.held = []
    this.heldBytes = 0
    return undefined
  }
}

function restLeftOut(line: string): string {
  const [time] = line.split(' ', 1)
  return `${time} The rest is left out: a log holds ${MAX_LOG_BYTES / 2 ** 20} MiB of a step.\n`
}
