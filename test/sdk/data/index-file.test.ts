import { describe, expect, it } from '@jest/globals'
import { indexEntry, isUntouched } from '../../../sdk/data/index-file.js'

const stat = { size: 3, mtimeNs: '1000', ctimeNs: '2000', ino: '7', mode: 0o100644 }
const ASOF = 2_001n

describe('an index entry', () => {
  // Where the clock of the file system is coarse, a file may change twice in a tick, and the times tell nothing.
  it.each([
    ['both before it was read', {}, true],
    ['changed as it was read', { ctimeNs: '2001' }, false],
    ['changed after', { ctimeNs: '2002' }, false],
    ['written as it was read', { mtimeNs: '2001' }, false],
    ['written in the future', { mtimeNs: '99999999999999999999' }, false],
  ])('trusts times that are %s: %j', (_, times, isTrusted) => {
    const read = { ...stat, ...times }
    expect(isUntouched(indexEntry('a', { chunk: 'c' }, read, ASOF), read)).toBe(isTrusted)
  })

  it.each([{ size: 4 }, { mtimeNs: '1001' }, { ctimeNs: '1999' }, { ino: '8' }, { mode: 0o100755 }])(
    'is of another file where it has %j',
    change => {
      const entry = indexEntry('a', { chunk: 'c' }, stat, ASOF)
      expect(isUntouched(entry, stat)).toBe(true)
      expect(isUntouched(entry, { ...stat, ...change })).toBe(false)
    },
  )
})
