import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { didYouMean, nearestName } from '../../domain/suggest.js'

describe('nearestName', () => {
  it.each([
    ['max_dept', ['eta', 'max_depth', 'max_bin'], 'max_depth'],
    ['tmep', ['hum', 'temp', 'atemp'], 'temp'],
    ['Target', ['target'], 'target'],
    ['x', ['y'], 'y'],
    ['learning_rate', ['eta', 'gamma'], undefined],
    ['anything', [], undefined],
  ])('%s among %j is %s', (name, known, nearest) => {
    expect(nearestName(name, known)).toBe(nearest)
  })

  it('finds a name itself, and a name with two letters exchanged', () => {
    const name = fc.string({ minLength: 4, maxLength: 12 })
    fc.assert(
      fc.property(name, fc.nat(), (text, at) => {
        expect(nearestName(text, [text])).toBe(text)
        const i = at % (text.length - 1)
        const swapped = text.slice(0, i) + text[i + 1] + text[i] + text.slice(i + 2)
        expect(nearestName(swapped, [text])).toBe(text)
      }),
    )
  })

  it('says nothing when nothing is near', () => {
    expect(didYouMean('zzzzzz', ['temp'])).toBe('')
    expect(didYouMean('tempp', ['temp'])).toBe(' Did you mean "temp"?')
  })
})
