import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { type Label, resolveLabels } from '../../../domain/drift/labels.js'

const label = (predictionId: string, value: number, receivedSeq: number, at = 100): Label => ({
  predictionId,
  value,
  at,
  receivedSeq,
})

const labels = fc
  .array(fc.record({ predictionId: fc.constantFrom('a', 'b', 'c'), value: fc.nat(2), at: fc.nat(9) }), {
    maxLength: 20,
  })
  .map(list => list.map((each, receivedSeq) => ({ ...each, receivedSeq })))

describe('resolveLabels', () => {
  it('keeps a later different value beside the first, and lets it win', () => {
    const { effective, corrected } = resolveLabels([
      label('a', 5, 1, 10),
      label('b', 7, 2),
      label('a', 6, 3, 11),
    ])
    expect(effective.get('a')).toEqual({
      value: 6,
      at: 11,
      receivedSeq: 3,
      replaced: [{ value: 5, at: 10, receivedSeq: 1 }],
    })
    expect(effective.get('b')).toEqual({ value: 7, at: 100, receivedSeq: 2, replaced: [] })
    expect(corrected).toEqual(['a'])
  })

  it('takes the same value again for no correction', () => {
    const { effective, corrected } = resolveLabels([label('a', 5, 1, 10), label('a', 5, 2, 99)])
    expect(effective.get('a')).toEqual({ value: 5, at: 10, receivedSeq: 1, replaced: [] })
    expect(corrected).toEqual([])
  })

  it('goes by the order of receipt, not by the time of the label, and back again', () => {
    const { effective } = resolveLabels([label('a', 5, 1, 50), label('a', 6, 2, 10), label('a', 5, 3, 20)])
    expect(effective.get('a')).toMatchObject({ value: 5, receivedSeq: 3 })
    expect(effective.get('a')!.replaced.map(({ value }) => value)).toEqual([5, 6])
  })

  it('tells a number from its text', () => {
    const text: Label = { predictionId: 'a', value: '5', at: 0, receivedSeq: 2 }
    expect(resolveLabels([label('a', 5, 1), text]).corrected).toEqual(['a'])
  })

  it('depends neither on the order of the list nor on what is in it twice', () => {
    fc.assert(
      fc.property(labels, fc.infiniteStream(fc.nat()), (list, draws) => {
        const twice = [...list, ...list].map(each => ({ each, at: draws.next().value! }))
        const mixed = twice.sort((a, b) => a.at - b.at).map(({ each }) => each)
        const [one, other] = [resolveLabels(list), resolveLabels(mixed)]
        expect(new Map([...other.effective].sort())).toEqual(new Map([...one.effective].sort()))
        expect(other.corrected).toEqual(one.corrected)
      }),
    )
  })

  it('gives each prediction its newest value, and lists exactly those that changed', () => {
    fc.assert(
      fc.property(labels, list => {
        const { effective, corrected } = resolveLabels(list)
        const found = new Set(list.map(each => each.predictionId))
        expect(new Set(effective.keys())).toEqual(found)
        for (const id of found) {
          const values = list.filter(each => each.predictionId === id).map(each => each.value)
          expect(effective.get(id)!.value).toBe(values.at(-1))
          expect(corrected.includes(id)).toBe(new Set(values).size > 1)
        }
      }),
    )
  })
})
