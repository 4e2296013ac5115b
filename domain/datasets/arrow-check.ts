import { MlforgeError } from '../errors.js'
import { type ArrowMessage, arrowMessage } from './arrow-message.js'

/** How the bytes of Arrow IPC are kept: a file (Feather) has magic at both ends, and a footer. */
export type ArrowForm = 'file' | 'stream'

/** A message, and where in the file its two parts stand. */
export interface ArrowFrame {
  readonly kind: Exclude<ArrowMessage['kind'], 'other'>
  readonly metadata: { readonly from: number; readonly bytes: number }
  readonly body: { readonly from: number; readonly bytes: number }
}

/** Where the footer of a file stands. */
export type ArrowFooter = ArrowFrame['metadata']

/** Bytes that a record batch, or the values of a dictionary, may have: one at a time is in memory. */
export const MAX_BATCH_BYTES = 512 << 20

const MAX_METADATA_BYTES = 16 << 20
const FILE_HEAD = 8
/** Four bytes that mark a message, four with the length of its metadata. */
const PREFIX = 8
/** Four bytes with the length of the footer, and the magic. */
const TAIL = 10
const CONTINUATION = 0xffffffff

/**
 * Checks while the bytes of Arrow IPC stream by that they are messages whose lengths fit, that the first of a stream
 * is its schema, which files may have in their footer alone, and that they end as they must (Apache Arrow columnar format, "IPC Streaming Format" and "IPC File
 * Format"): what was cut off does not. What is within a message is looked at when it is read.
 */
export class ArrowChecker {
  private state: 'head' | 'prefix' | 'metadata' | 'body' | 'footer' | 'ended'
  private bytes = 0
  private held: Uint8Array
  private filled = 0
  private left = 0
  private footerFrom = 0
  private hasSchema = false
  private tail = new Uint8Array(0)

  /** @param onFrame called for each message, in their order */
  constructor(
    private readonly form: ArrowForm,
    private readonly onFrame: (frame: ArrowFrame) => void = () => undefined,
  ) {
    this.state = form === 'file' ? 'head' : 'prefix'
    this.held = new Uint8Array(form === 'file' ? FILE_HEAD : PREFIX)
  }

  /** @throws MlforgeError arrow_malformed, arrow_batch_too_large */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      const rest = chunk.subarray(at)
      if (this.state === 'ended') throw arrowMalformed('there are bytes behind its end')
      if (this.state === 'footer') return this.skipFooter(rest)
      const taken = this.state === 'body' ? this.skipBody(rest) : this.hold(rest)
      at += taken
      this.bytes += taken
      this.step()
    }
  }

  /**
   * To be called after the last chunk.
   * @returns where the footer stands; null of a stream
   * @throws MlforgeError arrow_malformed
   */
  end(): ArrowFooter | null {
    if (this.form === 'stream') {
      if (this.state !== 'ended') throw cutOff()
      return null
    }
    const { tail, bytes, footerFrom } = this
    const magic = String.fromCharCode(...tail.subarray(TAIL - 6))
    if (this.state !== 'footer' || tail.length < TAIL || magic !== 'ARROW1') throw cutOff()
    const footer = new DataView(tail.buffer, tail.byteOffset).getInt32(0, true)
    if (footer <= 0 || footerFrom + footer + TAIL !== bytes) {
      throw arrowMalformed(
        `its footer is said to have ${footer} bytes, where ${bytes - footerFrom - TAIL} are left for it`,
      )
    }
    if (footer > MAX_METADATA_BYTES) throw arrowMalformed(`its footer has ${footer} bytes`)
    return { from: footerFrom, bytes: footer }
  }

  private hold(bytes: Uint8Array): number {
    const taken = Math.min(this.held.length - this.filled, bytes.length)
    this.held.set(bytes.subarray(0, taken), this.filled)
    this.filled += taken
    return taken
  }

  private skipBody(bytes: Uint8Array): number {
    const taken = Math.min(this.left, bytes.length)
    this.left -= taken
    return taken
  }

  private skipFooter(bytes: Uint8Array): void {
    this.bytes += bytes.length
    const last = new Uint8Array(this.tail.length + Math.min(bytes.length, TAIL))
    last.set(this.tail)
    last.set(bytes.subarray(Math.max(0, bytes.length - TAIL)), this.tail.length)
    this.tail = last.slice(Math.max(0, last.length - TAIL))
  }

  /** Goes on where all bytes of a part have come. */
  private step(): void {
    if (this.state === 'body') return this.left === 0 ? this.expect('prefix', PREFIX) : undefined
    if (this.filled < this.held.length) return
    if (this.state === 'head') this.expect('prefix', PREFIX)
    else if (this.state === 'prefix') this.takePrefix()
    else this.takeMetadata()
  }

  private takePrefix(): void {
    const view = new DataView(this.held.buffer)
    if (view.getUint32(0, true) !== CONTINUATION) {
      if (this.form === 'stream') throw arrowMalformed(`at byte ${this.bytes - PREFIX} no message begins`)
      // Writers of files may leave the end marker out.
      this.state = 'footer'
      this.footerFrom = this.bytes - PREFIX
      this.tail = this.held.slice()
      return
    }
    const length = view.getInt32(4, true)
    if (length === 0) {
      if (this.form === 'stream' && !this.hasSchema) throw arrowMalformed('it has no schema')
      this.state = this.form === 'file' ? 'footer' : 'ended'
      this.footerFrom = this.bytes
    } else if (length < 0 || length > MAX_METADATA_BYTES) {
      throw arrowMalformed(
        `the message at byte ${this.bytes - PREFIX} is said to have ${length} bytes of metadata`,
      )
    } else {
      this.expect('metadata', length)
    }
  }

  private takeMetadata(): void {
    const { held, bytes } = this
    const from = bytes - held.length
    const { kind, bodyBytes, isBigEndian } = readMessage(held, from)
    if (kind === 'other') throw arrowMalformed(`the message at byte ${from} is of no table`)
    if (kind === 'schema' && this.hasSchema) throw arrowMalformed('it has a second schema')
    if (kind !== 'schema' && !this.hasSchema && this.form === 'stream') {
      throw arrowMalformed('it does not begin with a schema')
    }
    if (isBigEndian) throw bigEndian()
    this.hasSchema ||= kind === 'schema'
    if (bodyBytes > MAX_BATCH_BYTES) throw batchTooLarge(bodyBytes)
    this.onFrame({
      kind,
      metadata: { from, bytes: held.length },
      body: { from: bytes, bytes: bodyBytes },
    })
    this.left = bodyBytes
    if (bodyBytes > 0) this.state = 'body'
    else this.expect('prefix', PREFIX)
  }

  private expect(state: 'prefix' | 'metadata', bytes: number): void {
    this.state = state
    this.held = new Uint8Array(bytes)
    this.filled = 0
  }
}

function readMessage(metadata: Uint8Array, from: number): ArrowMessage {
  try {
    return arrowMessage(metadata)
  } catch {
    throw arrowMalformed(`the message at byte ${from} points outside of itself`)
  }
}

function cutOff(): MlforgeError {
  return arrowMalformed('it does not end as one: it may have been cut off')
}

export function bigEndian(): MlforgeError {
  return new MlforgeError(
    'format_unsupported',
    'The file is Arrow with numbers whose largest byte comes first, which is not read. Write it on a machine with the smallest first, or as Parquet.',
  )
}

export function batchTooLarge(bytes: number): MlforgeError {
  return new MlforgeError(
    'arrow_batch_too_large',
    `A record batch or dictionary of the file has ${bytes} bytes; at most ${MAX_BATCH_BYTES} are read at a time. Write it in smaller batches (pyarrow: write_table(table, max_chunksize=65536)), or as Parquet.`,
    { bytes, maxBytes: MAX_BATCH_BYTES },
  )
}

export function arrowMalformed(why: string): MlforgeError {
  return new MlforgeError(
    'arrow_malformed',
    `The file is no Arrow that can be read: ${why}. Write it again and send it whole.`,
    { reason: why },
  )
}
