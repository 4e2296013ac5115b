import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { directoryOf, pin, readLock } from '../../../sdk/data/lock-file.js'
import { temporary } from './tree.js'

const MANIFEST = 'a'.repeat(64)
const files = temporary()
afterAll(() => files.remove())

function repository(): string {
  const root = files.path('repository')
  mkdirSync(join(root, '.git'), { recursive: true })
  return root
}

const locked = (root: string, datasets: object): void =>
  writeFileSync(join(root, 'mlforge.lock'), JSON.stringify({ format: 1, datasets }))

describe('mlforge.lock', () => {
  it('is in the root of the repository, pins datasets by name, and is found from below', () => {
    const root = repository()
    for (const path of ['data/b', 'data/a']) mkdirSync(join(root, path), { recursive: true })
    expect(pin(join(root, 'data/b'), 'b', { version: 2, manifest: MANIFEST })).toBe(true)
    expect(pin(join(root, 'data/a'), 'a', { version: 1, manifest: MANIFEST })).toBe(true)
    const lock = readLock(join(root, 'data/a'))!
    expect(lock).toEqual({
      root,
      datasets: {
        a: { path: 'data/a', version: 1, manifest: MANIFEST },
        b: { path: 'data/b', version: 2, manifest: MANIFEST },
      },
    })
    expect(Object.keys(lock.datasets)).toEqual(['a', 'b'])
    expect(directoryOf(lock, lock.datasets['b']!)).toBe(join(root, 'data/b'))
    expect(readFileSync(join(root, 'mlforge.lock'), 'utf8')).toMatch(/}\n$/)
    expect(pin(files.path('nowhere'), 'a', { version: 1, manifest: MANIFEST })).toBe(false)
  })

  it.each(['../x', 'data/../../x', '/etc', '', 'a\\..\\b', 'a\0b', 7, null])(
    'is refused where the path of a dataset is %j',
    path => {
      const root = repository()
      locked(root, { hours: { path, version: 1, manifest: MANIFEST } })
      expect(() => readLock(root)).toThrow('cannot be read')
    },
  )

  it.each([
    ['no version', { hours: { path: 'a', manifest: MANIFEST } }],
    ['a manifest that is no hash', { hours: { path: 'a', version: 1, manifest: 'x' } }],
    ['nothing for a dataset', { hours: null }],
  ])('is refused where it has %s', (_, datasets) => {
    const root = repository()
    locked(root, datasets)
    expect(() => readLock(root)).toThrow('cannot be read')
  })

  it('is refused where it is half merged, or of a later format', () => {
    const root = repository()
    writeFileSync(join(root, 'mlforge.lock'), '<<<<<<< HEAD\n{}')
    expect(() => readLock(root)).toThrow('half merged')
    writeFileSync(join(root, 'mlforge.lock'), '{"format": 2}')
    expect(() => readLock(root)).toThrow('format version 2')
  })

  it('leads nowhere else by a link', () => {
    const [root, outside] = [repository(), files.path('outside')]
    mkdirSync(outside)
    mkdirSync(join(root, 'real'))
    symlinkSync(outside, join(root, 'data'))
    symlinkSync(join(root, 'real'), join(root, 'within'))
    symlinkSync(join(outside, 'not yet'), join(root, 'dangling'))
    for (const path of ['data', 'data/new', 'data/new/deep', 'dangling', 'dangling/new']) {
      expect(() => directoryOf({ root }, { path })).toThrow('leads out of')
    }
    expect(directoryOf({ root }, { path: 'within/new' })).toBe(join(root, 'within/new'))
    expect(directoryOf({ root }, { path: '.' })).toBe(root)
  })
})
