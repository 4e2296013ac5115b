import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { retirable, type Retention, versionsNamed } from '../../../domain/data/retention.js'

const DAY = 86_400_000
const NOW = 1_000 * DAY

/** Of these ages in days, on a branch each. */
const versions = (...ages: readonly (number | readonly [number, string])[]) =>
  ages.map((age, i) => {
    const [days, branch] = typeof age === 'number' ? [age, 'main'] : age
    return { version: i + 1, branch, createdMs: NOW - days * DAY }
  })
const rule = (more: Partial<Retention> = {}): Retention => ({
  keepLast: 1,
  keepDays: 0,
  keepTagged: true,
  ...more,
})
const facts = (named: readonly number[] = [], openSinceDays: number | null = null) => ({
  nowMs: NOW,
  named: new Set(named),
  openSinceMs: openSinceDays === null ? null : NOW - openSinceDays * DAY,
})

describe('versions that are not kept', () => {
  it.each([
    ['all but the newest', versions(9, 8, 7), rule(), facts(), [1, 2]],
    ['all but the last two', versions(9, 8, 7), rule({ keepLast: 2 }), facts(), [1]],
    ['those that are old', versions(9, 8, 7), rule({ keepDays: 8.5 }), facts(), [1]],
    ['none that is named', versions(9, 8, 7), rule(), facts([1]), [2]],
    ['of each branch', versions(9, [8, 'b'], 7, [6, 'b'], [5, 'c']), rule(), facts(), [1, 2]],
    [
      'none that a run under way may have taken for the newest',
      versions(9, 8, 7, 6),
      rule(),
      facts([], 7.5),
      [1],
    ],
    ['none', [], rule(), facts(), []],
  ])('are %s', (_name, some, retention, given, expected) => {
    expect(retirable(some, retention, given)).toEqual(expected)
  })

  it('are never named, never the newest of a branch, and fewer under a rule that keeps more', () => {
    const some = fc
      .array(fc.record({ days: fc.nat({ max: 50 }), branch: fc.constantFrom('main', 'b') }), {
        maxLength: 20,
      })
      .map(list => versions(...list.map(({ days, branch }) => [days, branch] as const)))
    const rules = fc.record({ keepLast: fc.integer({ min: 1, max: 5 }), keepDays: fc.nat({ max: 40 }) })
    const open = fc.option(fc.nat({ max: 50 }))
    fc.assert(
      fc.property(some, rules, fc.array(fc.nat({ max: 20 })), open, (all, keeps, named, since) => {
        const found = retirable(all, rule(keeps), facts(named, since))
        expect(found.filter(version => named.includes(version))).toEqual([])
        for (const branch of ['main', 'b']) {
          const newest = all.findLast(each => each.branch === branch)
          if (newest) expect(found).not.toContain(newest.version)
        }
        const more = retirable(
          all,
          rule({ keepLast: keeps.keepLast + 1, keepDays: keeps.keepDays }),
          facts(named, since),
        )
        expect(more.every(version => found.includes(version))).toBe(true)
      }),
    )
  })
})

describe('versions that a run may name', () => {
  it.each([
    [{ dataset: { name: 'bikes', version: 3 } }, [3]],
    [{ dataset: { name: 'cars', version: 3 } }, []],
    [{ name: 'bikes', request: { version: 2, base: 1 } }, [1, 2]],
    [{ with: { data: 'bikes@7' } }, [7]],
    [{ with: { data: 'bikes@main' } }, []],
    [{ with: { dataset: 'bikes', version: '12' } }, [12]],
    [{ steps: [{ dataset: 'bikes', versions: [4, 5] }] }, [4, 5]],
    [{ dataset: 'bikes', rows: 17_000, version: 'latest' }, []],
    [null, []],
  ])('%j', (value, expected) => {
    expect(versionsNamed(value, 'bikes')).toEqual(expected)
  })
})
