import { describe, expect, it } from '@jest/globals'
import * as fc from 'fast-check'
import { comparisonPage } from '../../../domain/profile/page/compare-page.js'
import { profilePage } from '../../../domain/profile/page/page.js'
import type { ColumnProfile } from '../../../domain/profile/profile.js'
import { column, profile, text } from './profiles.js'

const correlations = { columns: ['x', 'y'], values: [-0.91], sampled: 0.5, left: 3 }

describe('pages of profiles', () => {
  const one = profile([column(), column({ name: 'y' }), text()], { correlations, duplicates: 7 })

  it('show columns, alerts with their way to the column, and correlations with what they rest on', () => {
    const page = profilePage({ dataset: 'rides', version: 3, profile: one })
    expect(page).toContain('<title>Profile of rides, version 3</title>')
    expect(page).toContain('7 rows equal an earlier one')
    expect(page).toContain('<a href="#c0">x</a> is correlated with y (r = -0.910)')
    expect(page).toContain('By a sample of 50.0 % of the rows. 3 more columns were left out.')
    expect(page.match(/<details/g)).toHaveLength(3)
    expect(page.match(/role="img"/g)!.length).toBe(page.match(/aria-label/g)!.length)
    expect(page).toBe(profilePage({ dataset: 'rides', version: 3, profile: one }))
  })

  it('put what has shifted most first', () => {
    const shifted = column({ name: 'y', histogram: { exponent: 0, first: 20, counts: [100] } })
    const to = profile([column(), shifted, text({ name: 'new' })])
    const page = comparisonPage({
      dataset: 'rides',
      from: { version: 3, profile: one },
      to: { version: 4, profile: to },
    })
    const names = [...page.matchAll(/<span class="name">(.*?)<\/span>/g)].map(([, name]) => name)
    expect(names).toEqual(['new', 'colour', 'y', 'x'])
    expect(page).toContain('large shift')
  })

  it('escape everything that comes from data', () => {
    const nasty = `<img src=x onerror=alert(1)>"'&`
    const columns: ColumnProfile[] = [
      text({
        name: nasty,
        type: nasty,
        min: nasty,
        max: nasty,
        top: [{ value: nasty, count: 90 }],
        imbalance: 0.9,
      }),
      column({ name: 'o', kind: 'other', histogram: null, numeric: null, top: [{ value: nasty, count: 2 }] }),
    ]
    const bad = profile(columns)
    const version = { version: 1, profile: bad }
    for (const page of [
      profilePage({ dataset: nasty, ...version }),
      comparisonPage({ dataset: nasty, from: version, to: { version: 2, profile: one } }),
    ]) {
      expect(page).not.toContain('<img')
      expect(page).toContain('&lt;img')
    }
  })

  it('are there for every profile, of empty and of many columns too', () => {
    const any = fc.record({
      rows: fc.constantFrom(1, 100),
      columns: fc.array(
        fc.constantFrom(
          column(),
          text(),
          column({ count: 0, nulls: 100, distinct: 0, min: null, max: null, histogram: null, top: [] }),
          column({
            kind: 'timestamp',
            numeric: null,
            histogram: { exponent: 40, first: -3, counts: [1, 0, 2] },
          }),
        ),
        { maxLength: 4 },
      ),
    })
    fc.assert(
      fc.property(any, any, (a, b) => {
        const [from, to] = [a, b].map(({ rows, columns }, side) => ({
          version: side + 1,
          profile: profile(
            columns.map((each, i) => ({ ...each, name: `c${i}` })),
            { rows },
          ),
        }))
        const page = comparisonPage({ dataset: 'd', from: from!, to: to! })
        const pages = `${page}${profilePage({ dataset: 'd', ...from! })}`
        expect(/NaN|undefined|Infinity/.exec(pages.replaceAll('<td class="figure">NaN</td>', ''))).toBeNull()
      }),
    )
    const empty = column({ count: 0, nulls: 0, distinct: 0, histogram: null, numeric: null, top: [] })
    expect(profilePage({ dataset: 'd', version: 1, profile: profile([empty], { rows: 0 }) })).toContain(
      'none missing',
    )
    const many = profile(Array.from({ length: 3000 }, (_, i) => column({ name: `c${i}` })))
    const page = profilePage({ dataset: 'wide', version: 1, profile: many })
    expect(page.match(/<details/g)).toHaveLength(3000)
    expect(page.length).toBeLessThan(10_000 * 3000)
  })
})
