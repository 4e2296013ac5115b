import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { clipToSignature, type ModelSignature } from '../../../domain/models/signature.js'

const signature = (clip?: { min?: number; max?: number }): ModelSignature => ({
  features: [{ name: 'hr', type: 'integer' }],
  target: 'cnt',
  output: { name: 'prediction', ...(clip === undefined ? {} : { clip }) },
})

describe('the bounds of a signature', () => {
  it.each([
    [undefined, [-1, 0, 1, NaN]],
    [{}, [-1, 0, 1, NaN]],
    [{ min: 0 }, [0, 0, 1, NaN]],
    [{ max: 0 }, [-1, 0, 0, NaN]],
    [{ min: -0.5, max: 0.5 }, [-0.5, 0, 0.5, NaN]],
  ])('%j', (clip, expected) => {
    expect([...clipToSignature(signature(clip), Float32Array.of(-1, 0, 1, NaN))]).toEqual(expected)
  })

  it('hold every prediction', () => {
    fc.assert(
      fc.property(fc.float32Array({ noNaN: true }), values => {
        const clipped = clipToSignature(signature({ min: 0, max: 10 }), values)
        expect(clipped.every(value => value >= 0 && value <= 10)).toBe(true)
      }),
    )
  })
})
