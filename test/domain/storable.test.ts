import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Json } from '../../domain/canonical-json.js'
import { storable, storableJson, storableText } from '../../domain/storable.js'

describe('what Postgres takes', () => {
  it('is every text without NUL and halves of characters', () => {
    expect(storableText('a\0b\ud800c😀')).toBe('a\ufffdb\ufffdc😀')
    expect(storableJson({ 'a\0': ['\0', { b: '\udc00' }], n: 1, x: null })).toEqual({
      'a\ufffd': ['\ufffd', { b: '\ufffd' }],
      n: 1,
      x: null,
    })
  })

  it('is found in a value as it is, and else made of it', () => {
    const fine = { a: ['\n', 1, { b: null }] }
    expect(storable(fine)).toBe(fine)
    expect(storable({ written: '\\u0000' })).toEqual({ written: '\\u0000' })
    expect(storable({ ...fine, c: { d: ['x\0', '\ud800'] } })).toEqual({
      ...fine,
      c: { d: ['x\ufffd', '\ufffd'] },
    })
  })

  it('changes nothing else', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), value => {
        const text = JSON.stringify(value)
        fc.pre(!text.includes('\\u0000') && !text.includes('"__proto__"'))
        expect(JSON.stringify(storableJson(value as Json))).toBe(text)
      }),
    )
  })
})
