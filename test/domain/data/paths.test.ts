import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { collisions, comparePaths, pathProblem } from '../../../domain/data/paths.js'

describe('a path', () => {
  it.each(['a', 'a/b.csv', '.hidden', 'a b/ü', '...', 'a/..b', 'a/.gitignore', '𝔞', 'x'.repeat(1_024)])(
    'may be %j',
    path => {
      expect(pathProblem(path)).toBeNull()
    },
  )

  it.each([
    ['', 'empty'],
    ['/etc/passwd', 'absolute'],
    ['C:/windows', 'absolute'],
    ['../a', 'leaves its directory'],
    ['a/../../b', 'leaves its directory'],
    ['a/./b', 'leaves its directory'],
    ['a//b', 'empty part'],
    ['a/', 'empty part'],
    ['.git/config', 'reserved'],
    ['a/.Mlforge-Data', 'reserved'],
    ['a\\b', 'holds'],
    ['a\0b', 'holds'],
    ['a\nb', 'holds'],
    ['\ud800', 'Unicode'],
    ['ü'.repeat(513), 'longer than 1024 bytes'],
  ])('may not be %j: %s', (path, why) => {
    expect(pathProblem(path)).toContain(why)
  })

  it('is ordered by its bytes', () => {
    const text = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(comparePaths(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
    )
  })
})

describe('paths that collide', () => {
  it('are none where each is another file everywhere', () => {
    expect(collisions(['a', 'b/a', 'b/c', 'ab'])).toEqual([])
  })

  it.each([
    [['a', 'a'], 'a', 'is there twice'],
    [['Data.csv', 'data.CSV'], 'data.CSV', 'the same as "Data.csv" on some file systems'],
    [['\u00e9', 'e\u0301'], 'e\u0301', 'on some file systems'],
    [['STRASSE', 'straße'], 'straße', 'on some file systems'],
    [['a', 'a/b'], 'a/b', 'within "a", which is a file'],
    [['A/b/c', 'a/B'], 'A/b/c', 'within "a/B", which is a file'],
  ])('are found: %j', (paths, at, message) => {
    expect(collisions(paths)).toEqual([{ at, message: expect.stringContaining(message) }])
  })
})
