import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Json } from '../../../domain/canonical-json.js'
import { storableJson, storableText } from '../../../domain/pipelines/storable.js'

describe('what Postgres takes', () => {
  it('is every text without NUL and halves of characters', () => {
    expect(storableText('a\0b\ud800c😀')).toBe('a\ufffdb\ufffdc😀')
    expect(storableJson({ 'a\0': ['\0', { b: '\udc00' }], n: 1, x: null })).toEqual({
      'a\ufffd': ['\ufffd', { b: '\ufffd' }],
      n: 1,
      x: null,
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
