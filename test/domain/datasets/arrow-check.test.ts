import { describe, expect, it } from '@jest/globals'
import { tableFromArrays, tableToIPC } from 'apache-arrow'
import {
  ArrowFileChecker,
  type ArrowFrame,
  ArrowStreamChecker,
} from '../../../domain/datasets/arrow-check.js'
import { MlforgeError } from '../../../domain/errors.js'

const table = tableFromArrays({ a: [1, 2, 3], b: ['x', 'y', 'x'] })
const file = tableToIPC(table, 'file')
const stream = tableToIPC(table, 'stream')

function framesOf(bytes: Uint8Array, size = Infinity): ArrowFrame[] {
  const frames: ArrowFrame[] = []
  const checker = new ArrowStreamChecker(frame => void frames.push(frame))
  for (let at = 0; at < bytes.length; at += size) checker.push(bytes.subarray(at, at + size))
  checker.end()
  return frames
}

function footerOf(bytes: Uint8Array, size = Infinity): object {
  const checker = new ArrowFileChecker()
  for (let at = 0; at < bytes.length; at += size) checker.push(bytes.subarray(at, at + size))
  return checker.end()
}

function refusal(bytes: Uint8Array, check: (bytes: Uint8Array) => unknown = framesOf) {
  try {
    check(bytes)
  } catch (error) {
    if (error instanceof MlforgeError) return error
    throw error
  }
  throw new Error('it was taken')
}

/** A schema whose numbers have their largest byte first, and nothing else. */
function bigEndianSchema(): Uint8Array {
  const view = new DataView(new ArrayBuffer(44))
  view.setUint32(0, 16, true)
  // Which fields the message has, and where: the type of its header, and the header.
  for (const [i, entry] of [12, 12, 0, 4, 8, 0].entries()) view.setUint16(4 + 2 * i, entry, true)
  view.setInt32(16, 16 - 4, true)
  view.setUint8(20, 1)
  view.setUint32(24, 36 - 24, true)
  // Of the schema, the order of bytes.
  for (const [i, entry] of [6, 8, 4].entries()) view.setUint16(28 + 2 * i, entry, true)
  view.setInt32(36, 36 - 28, true)
  view.setInt16(40, 1, true)
  return new Uint8Array(view.buffer)
}

function message(metadata: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([255, 255, 255, 255, metadata.length, 0, 0, 0]), metadata])
}

describe('a file of Arrow IPC', () => {
  it('has a footer at its end, however it is cut', () => {
    const bytes = Buffer.from(file).readInt32LE(file.length - 10)
    for (const size of [Infinity, 1, 7, 64]) {
      expect(footerOf(file, size)).toEqual({ from: file.length - 10 - bytes, bytes })
    }
  })

  it('is refused wherever it is cut off', () => {
    for (let length = 0; length < file.length; length++) {
      expect(refusal(file.subarray(0, length), footerOf).code).toBe('arrow_malformed')
    }
  })

  it.each([0, -1, 0x7fffffff, file.length - 17])('is refused with a footer of %d bytes', length => {
    const bytes = Buffer.from(file)
    bytes.writeInt32LE(length, file.length - 10)
    expect(refusal(bytes, footerOf).message).toMatch(/footer/)
  })
})

describe('a stream of Arrow IPC', () => {
  it('is taken apart the same way, however it is cut', () => {
    const frames = framesOf(stream)
    expect(frames.map(({ kind }) => kind)).toEqual(['schema', 'dictionary', 'records'])
    const { body } = frames.at(-1)!
    expect(body.from + body.bytes).toBe(stream.length - 8)
    for (const size of [1, 7, 64]) expect(framesOf(stream, size)).toEqual(frames)
  })

  it('is refused wherever it is cut off', () => {
    for (let length = 0; length < stream.length; length++) {
      expect(refusal(stream.subarray(0, length)).code).toBe('arrow_malformed')
    }
  })

  it('is refused where its numbers have their largest byte first', () => {
    expect(refusal(message(bigEndianSchema()))).toMatchObject({
      code: 'format_unsupported',
      message: expect.stringMatching(/largest byte comes first/),
    })
  })

  it.each<[string, (bytes: Buffer, frames: readonly ArrowFrame[]) => void, RegExp]>([
    ['metadata past all bounds', bytes => bytes.writeInt32LE(0x7fffffff, 4), /2147483647 bytes of metadata/],
    ['negative metadata', bytes => bytes.writeInt32LE(-8, 4), /-8 bytes of metadata/],
    ['a message that points outside', bytes => bytes.writeUInt32LE(0x7fffffff, 8), /points outside/],
    [
      'no message',
      (bytes, [schema]) => bytes.writeInt32LE(0, schema!.metadata.from + schema!.metadata.bytes),
      /no message begins/,
    ],
  ])('is refused with %s', (_, damage, reason) => {
    const bytes = Buffer.from(stream)
    damage(bytes, framesOf(bytes))
    const { code, message: said } = refusal(bytes)
    expect([code, said]).toEqual(['arrow_malformed', expect.stringMatching(reason)])
  })

  it('is refused where a batch is larger than what is read at a time', () => {
    const bytes = Buffer.from(stream)
    const { metadata, body } = framesOf(bytes).at(-1)!
    const length = Buffer.alloc(8)
    length.writeBigInt64LE(BigInt(body.bytes))
    const at = bytes.indexOf(length, metadata.from)
    bytes.writeBigInt64LE(1n << 40n, at)
    expect(refusal(bytes)).toMatchObject({
      code: 'arrow_batch_too_large',
      message: expect.stringMatching(/1099511627776 bytes; at most 536870912/),
    })
  })

  it('has a schema first, and once', () => {
    const bytes = stream
    const [schema, dictionary] = framesOf(bytes)
    const end = schema!.metadata.from + schema!.metadata.bytes
    expect(refusal(bytes.subarray(end)).message).toMatch(/does not begin with a schema/)
    const twice = Buffer.concat([bytes.subarray(0, end), bytes])
    expect(refusal(twice).message).toMatch(/second schema/)
    expect(dictionary!.metadata.from).toBe(end + 8)
  })
})
