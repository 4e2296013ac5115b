import { describe, expect, it } from '@jest/globals'
import { searchAttributes } from '../../contracts/temporal/search-attributes.js'
import { fingerprintOf } from '../../infra/launcher/children.js'
import { backOffMs } from '../../infra/launcher/keeper.js'
import { depths, type PlanPart } from '../../infra/launcher/plan.js'
import { isRecentEnough } from '../../infra/launcher/temporal-program.js'
import { SEARCH_ATTRIBUTES } from '../../infra/launcher/temporal.js'

describe('back-off', () => {
  it.each([
    [1, 200],
    [2, 400],
    [3, 800],
    [6, 6400],
    [7, 10_000],
    [60, 10_000],
  ])('after %i crashes waits %i ms', (crashes, wait) => expect(backOffMs(crashes)).toBe(wait))
})

describe('versions', () => {
  it.each([
    ['1.8.2', '1.8.2', true],
    ['1.8.1', '1.8.2', false],
    ['1.9.0', '1.8.2', true],
    ['1.10.0', '1.8.2', true],
    ['2.0.0', '1.8.2', false],
    ['', '1.8.2', false],
    ['v20.20.2', '20.19', true],
    ['3.9.2', '3.11', false],
  ])('%s satisfies %s: %s', (version, wanted, ok) => expect(isRecentEnough(version, wanted)).toBe(ok))
})

describe('the order of starting', () => {
  const part = (name: string, ...needs: string[]): PlanPart => ({
    kind: 'external',
    name,
    needs,
    address: '',
  })

  it('puts a part after everything that it needs', () => {
    const parts = [
      part('api', 'schema', 'redis'),
      part('redis'),
      part('schema', 'postgres'),
      part('postgres'),
    ]
    expect(Object.fromEntries(depths(parts))).toEqual({ postgres: 0, redis: 0, schema: 1, api: 2 })
  })

  it('ignores needs that are not part of the plan', () => {
    expect(depths([part('api', 'postgres')]).get('api')).toBe(0)
  })
})

it('a fingerprint changes with each thing that decides how a process starts', () => {
  const command = { program: '/bin/a', args: ['x'], env: { A: '1' } }
  const others = [
    { ...command, args: ['y'] },
    { ...command, env: { A: '2' } },
    { ...command, build: 'new' },
  ]
  const prints = new Set([command, ...others].map(fingerprintOf))
  expect(prints.size).toBe(4)
  expect(fingerprintOf({ ...command })).toBe(fingerprintOf(command))
})

it('registers every search attribute that workflows set, with its type', () => {
  const types: Record<string, string> = { KEYWORD: 'Keyword', DOUBLE: 'Double' }
  for (const { name, type } of Object.values(searchAttributes)) {
    expect([name, SEARCH_ATTRIBUTES[name as keyof typeof SEARCH_ATTRIBUTES]]).toEqual([name, types[type]])
  }
})
