import { createReadStream, fstatSync, readSync } from 'node:fs'
import { Message, type Schema } from 'apache-arrow'
import { Footer } from 'apache-arrow/ipc/metadata/file'
import {
  ARROW_PREFIX,
  ArrowFileChecker,
  type ArrowFrame,
  arrowFrame,
  type ArrowPart,
  ArrowStreamChecker,
  bigEndian,
  metadataBytes,
} from '../../../domain/datasets/arrow-check.js'
import { isBigEndianFooter } from '../../../domain/datasets/arrow-message.js'
import { HEAD_BYTES, typedStart } from '../../../domain/datasets/file-kind.js'

/** What a table is made of: a schema, and messages in an order in which dictionaries come before what points into them. */
export interface Frames {
  readonly schema: Schema
  readonly frames: readonly ArrowFrame[]
}

const TAIL = 10

/** @throws MlforgeError arrow_malformed, arrow_batch_too_large, format_unsupported @throws RangeError */
export async function framesOf(path: string, file: number): Promise<Frames> {
  const isStream = typedStart(bytesOf(file, { from: 0, bytes: HEAD_BYTES }))?.isStream === true
  return isStream ? ofStream(path, file) : ofFile(file)
}

async function ofStream(path: string, file: number): Promise<Frames> {
  const frames: ArrowFrame[] = []
  const checker = new ArrowStreamChecker(frame => void frames.push(frame))
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }))
    checker.push(chunk as Uint8Array)
  checker.end()
  const [first, ...rest] = frames
  return { schema: messageOf(file, first!).header() as Schema, frames: rest }
}

/** What counts in a file is its footer: it has the schema, and says where messages are. Between them may be anything. */
function ofFile(file: number): Frames {
  const { size } = fstatSync(file)
  const checker = new ArrowFileChecker(size - TAIL)
  checker.push(bytesOf(file, { from: size - TAIL, bytes: TAIL }))
  const part = checker.end()
  const bytes = bytesOf(file, part)
  if (isBigEndianFooter(bytes)) throw bigEndian()
  const footer = Footer.decode(bytes)
  const seen = new Set<number>()
  const framed = (blocks: Iterable<Block>, kind: ArrowFrame['kind']): ArrowFrame[] =>
    [...blocks].map(block => {
      if (seen.has(block.offset)) throw new RangeError('its footer has a message twice')
      seen.add(block.offset)
      return ofBlock(file, block, kind, part.from)
    })
  return {
    schema: footer.schema,
    frames: [
      ...framed(footer.dictionaryBatches(), 'dictionary'),
      ...framed(footer.recordBatches(), 'records'),
    ],
  }
}

interface Block {
  readonly offset: number
  readonly bodyLength: number
}

function ofBlock(
  file: number,
  { offset, bodyLength }: Block,
  kind: ArrowFrame['kind'],
  end: number,
): ArrowFrame {
  if (offset < 0 || offset + ARROW_PREFIX > end) throw new RangeError('its footer points outside of it')
  const length = metadataBytes(bytesOf(file, { from: offset, bytes: ARROW_PREFIX }), offset)
  const from = offset + ARROW_PREFIX
  if (from + length > end) throw new RangeError(`the message at byte ${offset} is longer than the file`)
  const frame = arrowFrame(bytesOf(file, { from, bytes: length }), from)
  const { body } = frame
  if (frame.kind !== kind || body.bytes !== bodyLength || body.from + body.bytes > end) {
    throw new RangeError(`the message at byte ${offset} is another than its footer says`)
  }
  return frame
}

export function messageOf(file: number, { metadata }: ArrowFrame): Message {
  return Message.decode(bytesOf(file, metadata))
}

function bytesOf(file: number, { from, bytes: length }: ArrowPart): Uint8Array {
  const bytes = new Uint8Array(length)
  if (readSync(file, bytes, 0, length, from) < length) throw new RangeError('it ends too early')
  return bytes
}
