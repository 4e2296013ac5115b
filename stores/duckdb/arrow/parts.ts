import { readSync } from 'node:fs'
import { ZSTDDecoder } from 'zstddec'
import { type ArrowFrame, batchTooLarge, MAX_BATCH_BYTES } from '../../../domain/datasets/arrow-check.js'
import { MlforgeError } from '../../../domain/errors.js'
import { lz4Frame } from './lz4.js'

/** Bytes with the length of a buffer before it was compressed; -1 of one that was not. */
const LENGTH_BYTES = 8
const LZ4_FRAME = 0
const ZSTD = 1

const zstd = new ZSTDDecoder()
await zstd.init()

/** What the metadata of a record batch says of its parts. */
export interface BatchHeader {
  readonly nodes: readonly { readonly length: number; readonly nullCount: number }[]
  readonly buffers: readonly { readonly offset: number; readonly length: number }[]
  readonly variadicBufferCounts: readonly number[]
  readonly compression: { readonly type: number } | null
}

/**
 * The parts of a record batch in their order (Apache Arrow columnar format, "RecordBatch message"), each read from
 * the file when it is asked for. Nothing is believed that does not fit into the body.
 */
export class BatchParts {
  /** Bytes of the buffers that were read. */
  bytes = 0
  private node = 0
  private buffer = 0
  private variadic = 0

  constructor(
    private readonly file: number,
    private readonly header: BatchHeader,
    private readonly body: ArrowFrame['body'],
  ) {}

  nextNode(): { readonly length: number; readonly nullCount: number } {
    const node = this.header.nodes[this.node++]
    if (!node || node.length < 0) throw new RangeError('a record batch without one of its columns')
    return node
  }

  nextVariadicCount(): number {
    const count = this.header.variadicBufferCounts[this.variadic++] ?? -1
    if (count < 0 || count > this.header.buffers.length)
      throw new RangeError('a count of buffers that is wrong')
    return count
  }

  skipBuffer(): void {
    this.buffer++
  }

  /** The bytes of the next buffer as they are without compression. */
  nextBuffer(): Uint8Array<ArrayBuffer> {
    const region = this.header.buffers[this.buffer++]
    if (!region) throw new RangeError('a record batch without one of its buffers')
    const { offset, length } = region
    if (offset < 0 || length < 0 || offset + length > this.body.bytes) {
      throw new RangeError('a buffer past the end of its record batch')
    }
    const { compression } = this.header
    const bytes = this.read(offset, length)
    if (compression === null || length === 0) return this.counted(bytes)
    const announced = Number(new DataView(bytes.buffer).getBigInt64(0, true))
    const content = bytes.subarray(LENGTH_BYTES)
    if (announced === -1) return this.counted(content)
    if (announced < 0) throw new RangeError('a buffer whose length is negative')
    if (this.bytes + announced > MAX_BATCH_BYTES) throw batchTooLarge(this.bytes + announced)
    return this.counted(unpacked(content, announced, compression.type))
  }

  private read(offset: number, length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length;) {
      const count = readSync(this.file, bytes, at, length - at, this.body.from + offset + at)
      if (count === 0) throw new RangeError('a buffer past the end of the file')
      at += count
    }
    return bytes
  }

  private counted(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    this.bytes += bytes.length
    if (this.bytes > MAX_BATCH_BYTES) throw batchTooLarge(this.bytes)
    return bytes
  }
}

function unpacked(bytes: Uint8Array, length: number, codec: number): Uint8Array<ArrayBuffer> {
  if (length === 0) return new Uint8Array(0)
  if (codec === LZ4_FRAME) return lz4Frame(bytes, length)
  if (codec === ZSTD) {
    const content = zstd.decode(bytes, length) as Uint8Array<ArrayBuffer>
    if (content.length !== length) throw new RangeError('a frame of zstd that is damaged')
    return content
  }
  throw new MlforgeError(
    'format_unsupported',
    `The file is Arrow compressed by codec ${codec}, which is not known. Write it with lz4, zstd, or uncompressed (pyarrow.feather.write_feather(table, path, compression="uncompressed")).`,
  )
}
