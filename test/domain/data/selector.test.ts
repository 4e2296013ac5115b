import { describe, expect, it } from '@jest/globals'
import {
  describeSelector,
  parseSelector,
  refNameProblem,
  type VersionSelector,
} from '../../../domain/data/selector.js'

describe('a selector of a version', () => {
  it.each<[string, VersionSelector]>([
    ['1', { kind: 'number', version: 1 }],
    ['999999999', { kind: 'number', version: 999_999_999 }],
    ['latest', { kind: 'latest' }],
    ['main', { kind: 'ref', name: 'main' }],
    ['v1.0', { kind: 'ref', name: 'v1.0' }],
    ['{2026-01-31}', { kind: 'at', at: Date.UTC(2026, 0, 31) }],
    ['{2026-01-31T12:30:00+01:00}', { kind: 'at', at: Date.UTC(2026, 0, 31, 11, 30) }],
  ])('%s is read', (text, selector) => {
    expect(parseSelector(text)).toEqual(selector)
  })

  it.each([
    '',
    '0',
    '01',
    '1000000000',
    '-1',
    'Main',
    'a b',
    '{}',
    '{yesterday}',
    '{2026-02-31T25:00:00Z}',
    'a/b',
  ])('%s selects nothing', text => expect(parseSelector(text)).toBeNull())
})

it.each([
  ['latest', /newest/],
  ['12', /number of a version/],
  ['Gold', /lower-case/],
])('a branch or tag cannot be called %s', (name, why) => {
  expect(refNameProblem(name)).toMatch(why)
})

it.each(['main', 'gold', '2026.1', 'v1'])('a branch or tag can be called %s', name => {
  expect(refNameProblem(name)).toBeNull()
})

it('latest is said to be of the branch that may not be there', () => {
  expect(describeSelector({ kind: 'latest' })).toContain('branch "main"')
})
