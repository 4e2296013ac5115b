import { MlforgeError } from '../errors.js'
import { type ArrowMessage, arrowMessage } from './arrow-message.js'
import { joined } from './joined.js'

/** Where a part of a file stands. */
export interface ArrowPart {
  readonly from: number
  readonly bytes: number
}

/** A message, and where its two parts stand. */
export interface ArrowFrame {
  readonly kind: Exclude<ArrowMessage['kind'], 'other'>
  readonly metadata: ArrowPart
  readonly body: ArrowPart
}

/** Bytes that a record batch, or the values of a dictionary, may have: one at a time is in memory. */
export const MAX_BATCH_BYTES = 512 << 20
/** Four bytes that mark a message, four with the length of its metadata. */
export const ARROW_PREFIX = 8

const MAX_METADATA_BYTES = 16 << 20
const CONTINUATION = 0xffffffff
/** Magic, made eight bytes long. */
const FILE_HEAD = 8
/** Four bytes with the length of the footer, and the magic. */
const FILE_TAIL = 10

/**
 * Checks while the bytes of a file of Arrow IPC (Feather) stream by that it ends as it must (Apache Arrow columnar
 * format, "IPC File Format"): one that was cut off does not. What is within is looked at when it is read.
 */
export class ArrowFileChecker {
  private tail = new Uint8Array(0)

  /** @param bytes that are ahead of those which are looked at */
  constructor(private bytes = 0) {}

  push(chunk: Uint8Array): void {
    this.bytes += chunk.length
    const last = chunk.length >= FILE_TAIL ? chunk : joined(this.tail, chunk)
    this.tail = last.slice(Math.max(0, last.length - FILE_TAIL))
  }

  /**
   * To be called after the last chunk.
   * @returns where the footer stands
   * @throws MlforgeError arrow_malformed
   */
  end(): ArrowPart {
    const { bytes, tail } = this
    const magic = String.fromCharCode(...tail.subarray(FILE_TAIL - 6))
    if (bytes <= FILE_HEAD + FILE_TAIL || magic !== 'ARROW1') throw cutOff()
    const footer = new DataView(tail.buffer, tail.byteOffset).getInt32(0, true)
    if (footer <= 0 || footer > Math.min(MAX_METADATA_BYTES, bytes - FILE_HEAD - FILE_TAIL)) {
      throw arrowMalformed(`its footer is said to have ${footer} bytes, the file has ${bytes}`)
    }
    return { from: bytes - FILE_TAIL - footer, bytes: footer }
  }
}

/**
 * Checks while the bytes of a stream of Arrow IPC come that they are messages whose lengths fit, a schema first, and
 * that they end with the marker of the end (Apache Arrow columnar format, "IPC Streaming Format").
 */
export class ArrowStreamChecker {
  private state: 'prefix' | 'metadata' | 'body' | 'ended' = 'prefix'
  private bytes = 0
  private held = new Uint8Array(ARROW_PREFIX)
  private filled = 0
  private left = 0
  private hasSchema = false

  /** @param onFrame called for each message, in their order */
  constructor(private readonly onFrame: (frame: ArrowFrame) => void = () => undefined) {}

  /** @throws MlforgeError arrow_malformed, arrow_batch_too_large, format_unsupported */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      if (this.state === 'ended') throw arrowMalformed('there are bytes behind its end')
      const rest = chunk.subarray(at)
      const taken = this.state === 'body' ? this.skip(rest) : this.hold(rest)
      at += taken
      this.bytes += taken
      this.step()
    }
  }

  /** To be called after the last chunk. @throws MlforgeError arrow_malformed */
  end(): void {
    if (this.state !== 'ended') throw cutOff()
  }

  private hold(bytes: Uint8Array): number {
    const taken = Math.min(this.held.length - this.filled, bytes.length)
    this.held.set(bytes.subarray(0, taken), this.filled)
    this.filled += taken
    return taken
  }

  private skip(bytes: Uint8Array): number {
    const taken = Math.min(this.left, bytes.length)
    this.left -= taken
    return taken
  }

  /** Goes on where all bytes of a part have come. */
  private step(): void {
    if (this.state === 'body') return this.left === 0 ? this.expect('prefix', ARROW_PREFIX) : undefined
    if (this.filled < this.held.length) return
    if (this.state === 'prefix') this.takePrefix()
    else this.takeMetadata()
  }

  private takePrefix(): void {
    const length = metadataBytes(this.held, this.bytes - ARROW_PREFIX)
    if (length > 0) return this.expect('metadata', length)
    if (!this.hasSchema) throw arrowMalformed('it has no schema')
    this.state = 'ended'
  }

  private takeMetadata(): void {
    const { held, bytes } = this
    const frame = arrowFrame(held, bytes - held.length)
    if ((frame.kind === 'schema') === this.hasSchema) {
      throw arrowMalformed(this.hasSchema ? 'it has a second schema' : 'it does not begin with a schema')
    }
    this.hasSchema = true
    this.onFrame(frame)
    this.left = frame.body.bytes
    if (this.left > 0) this.state = 'body'
    else this.expect('prefix', ARROW_PREFIX)
  }

  private expect(state: 'prefix' | 'metadata', bytes: number): void {
    this.state = state
    this.held = new Uint8Array(bytes)
    this.filled = 0
  }
}

/**
 * How many bytes of metadata follow what stands ahead of a message.
 * @param at where in the file that is
 * @throws MlforgeError arrow_malformed
 */
export function metadataBytes(prefix: Uint8Array, at: number): number {
  const view = new DataView(prefix.buffer, prefix.byteOffset)
  if (view.getUint32(0, true) !== CONTINUATION) throw arrowMalformed(`at byte ${at} no message begins`)
  const length = view.getInt32(4, true)
  if (length < 0 || length > MAX_METADATA_BYTES) {
    throw arrowMalformed(`the message at byte ${at} is said to have ${length} bytes of metadata`)
  }
  return length
}

/**
 * The message that has this metadata.
 * @param from where in the file the metadata stands
 * @throws MlforgeError arrow_malformed, arrow_batch_too_large, format_unsupported
 */
export function arrowFrame(metadata: Uint8Array, from: number): ArrowFrame {
  const { kind, bodyBytes, isBigEndian } = readMessage(metadata, from)
  if (kind === 'other') throw arrowMalformed(`the message at byte ${from} is of no table`)
  if (isBigEndian) throw bigEndian()
  if (bodyBytes > MAX_BATCH_BYTES) throw batchTooLarge(bodyBytes)
  const bytes = metadata.length
  return { kind, metadata: { from, bytes }, body: { from: from + bytes, bytes: bodyBytes } }
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
