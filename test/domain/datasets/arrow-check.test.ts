import { describe, expect, it } from '@jest/globals'
import { tableFromArrays, tableToIPC } from 'apache-arrow'
import { ArrowChecker, type ArrowForm, type ArrowFrame } from '../../../domain/datasets/arrow-check.js'
import { MlforgeError } from '../../../domain/errors.js'

const table = tableFromArrays({ a: [1, 2, 3], b: ['x', 'y', 'x'] })
const FORMS: readonly ArrowForm[] = ['file', 'stream']
const bytesOf = (form: ArrowForm): Uint8Array => tableToIPC(table, form)

function check(form: ArrowForm, bytes: Uint8Array, size = Infinity): ArrowFrame[] {
  const frames: ArrowFrame[] = []
  const checker = new ArrowChecker(form, frame => void frames.push(frame))
  for (let at = 0; at < bytes.length; at += size) checker.push(bytes.subarray(at, at + size))
  checker.end()
  return frames
}

function refusal(form: ArrowForm, bytes: Uint8Array): { code: string; message: string } {
  try {
    check(form, bytes)
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

describe('Arrow IPC', () => {
  it.each(FORMS)('is taken apart the same way, however it is cut: %s', form => {
    const bytes = bytesOf(form)
    const frames = check(form, bytes)
    // The writer of the library leaves the schema of a file to its footer.
    const expected = ['schema', 'dictionary', 'records'].slice(form === 'file' ? 1 : 0)
    expect(frames.map(({ kind }) => kind)).toEqual(expected)
    const { body } = frames.at(-1)!
    expect([body.bytes % 8, body.from + body.bytes <= bytes.length]).toEqual([0, true])
    for (const size of [1, 7, 64]) expect(check(form, bytes, size)).toEqual(frames)
  })

  it.each(FORMS)('is refused wherever it is cut off: %s', form => {
    const bytes = bytesOf(form)
    for (let length = 0; length < bytes.length; length++) {
      expect(refusal(form, bytes.subarray(0, length)).code).toBe('arrow_malformed')
    }
  })

  it('may be a file without an end marker before its footer', () => {
    const bytes = bytesOf('file')
    const { body } = check('file', bytes).at(-1)!
    const end = body.from + body.bytes
    expect(check('file', Buffer.concat([bytes.subarray(0, end), bytes.subarray(end + 8)]))).toHaveLength(2)
  })

  it('is refused where a length would hide what comes behind it', () => {
    const bytes = Buffer.from(bytesOf('file'))
    const [dictionary] = check('file', bytes)
    // A message without metadata is the end.
    bytes.writeInt32LE(0, dictionary!.metadata.from - 4)
    expect(refusal('file', bytes)).toMatchObject({
      code: 'arrow_malformed',
      message: expect.stringMatching(/footer/),
    })
  })

  it('is refused where its numbers have their largest byte first', () => {
    expect(refusal('stream', message(bigEndianSchema()))).toMatchObject({
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
    const bytes = Buffer.from(bytesOf('stream'))
    damage(bytes, check('stream', bytes))
    const { code, message: said } = refusal('stream', bytes)
    expect([code, said]).toEqual(['arrow_malformed', expect.stringMatching(reason)])
  })

  it('is refused where a batch is larger than what is read at a time', () => {
    const bytes = Buffer.from(bytesOf('stream'))
    const { metadata, body } = check('stream', bytes).at(-1)!
    const length = Buffer.alloc(8)
    length.writeBigInt64LE(BigInt(body.bytes))
    const at = bytes.indexOf(length, metadata.from)
    bytes.writeBigInt64LE(1n << 40n, at)
    expect(refusal('stream', bytes)).toMatchObject({
      code: 'arrow_batch_too_large',
      message: expect.stringMatching(/1099511627776 bytes; at most 536870912/),
    })
  })

  it('has a schema first, and once', () => {
    const bytes = bytesOf('stream')
    const [schema, dictionary] = check('stream', bytes)
    const end = schema!.metadata.from + schema!.metadata.bytes
    expect(refusal('stream', bytes.subarray(end)).message).toMatch(/does not begin with a schema/)
    const twice = Buffer.concat([bytes.subarray(0, end), bytes])
    expect(refusal('stream', twice).message).toMatch(/second schema/)
    expect(dictionary!.metadata.from).toBe(end + 8)
  })
})
