import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  decodeRecords,
  encodeRecord,
  recordTexts,
  wholeBytes,
} from '../../../stores/segments/segment-codec.js'
import { predictionRecord as record, segmentOf } from './records.js'

describe('segment codec', () => {
  it('gives back what was written, with line breaks and other alphabets in it', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.double({ noNaN: true }))), values => {
        const records = values
          .filter(([, output]) => Number.isFinite(output) && !Object.is(output, -0))
          .map(([id, output], i) => record(i + 1, { id, key: `${id}\n`, output }))
        const segment = segmentOf(records)
        expect([...decodeRecords(segment)]).toEqual(records)
        expect([...recordTexts(segment)].every(text => !text.includes(0x0a))).toBe(true)
        expect(wholeBytes(segment)).toBe(segment.length)
      }),
    )
  })

  it('cuts a torn tail at the last whole record, wherever it was torn', () => {
    const whole = segmentOf([record(1), record(2)])
    const torn = Buffer.concat([whole, encodeRecord(record(3))])
    for (let length = whole.length; length < torn.length; length++) {
      expect(wholeBytes(torn.subarray(0, length))).toBe(whole.length)
      if (length === whole.length) continue
      expect(() => [...recordTexts(torn.subarray(0, length))]).toThrow(
        `no valid record at byte ${whole.length}`,
      )
    }
  })

  it('finds every changed byte', () => {
    const segment = segmentOf([record(1)])
    for (let at = 0; at < segment.length; at++) {
      const changed = Buffer.from(segment)
      changed[at]! ^= 0x10
      expect(wholeBytes(changed)).toBe(0)
      expect(() => [...decodeRecords(changed)]).toThrow(expect.objectContaining({ code: 'segment_corrupt' }))
    }
  })

  it('takes zeros for no records: a file system may have grown a file that was never written', () => {
    expect(wholeBytes(Buffer.alloc(64))).toBe(0)
  })
})
