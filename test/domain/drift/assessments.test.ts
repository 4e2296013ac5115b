import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  DEFAULT_ALARM_POLICY,
  nextRevision,
  openingRow,
  reassess,
  type WindowAssessment,
} from '../../../domain/drift/assessments.js'
import { months, type Say } from './months.js'

const ids = (row: readonly WindowAssessment[] | null): string[] | null =>
  row === null ? null : row.map(({ window }) => window.id)

describe('openingRow', () => {
  it.each<[string, Say[], string[] | null]>([
    ['nothing', [], null],
    ['one breach', ['breached'], null],
    ['two in a row', ['breached', 'breached'], ['2012-01', '2012-02']],
    ['two apart', ['breached', 'healthy', 'breached'], null],
    ['two late', ['healthy', 'breached', 'healthy', 'breached', 'breached'], ['2012-04', '2012-05']],
    ['the first of many', ['breached', 'breached', 'breached'], ['2012-01', '2012-02']],
    ['too few rows between', ['breached', 'too_few', 'breached'], ['2012-01', '2012-03']],
    ['labels still to come between', ['breached', 'waiting_for_labels', 'breached'], ['2012-01', '2012-03']],
    ['an open window after one', ['breached', 'open'], null],
    ['metrics that say nothing', ['breached', 'not_judged', 'healthy', 'breached'], null],
  ])('of %s', (_what, said, expected) => {
    expect(ids(openingRow(months('2012-01', said)))).toEqual(expected)
  })

  it('leaves out what is settled, and takes as many as the policy says', () => {
    const windows = months('2012-01', ['breached', 'breached', 'breached', 'healthy'])
    const from = (index: number): number => windows[index]!.window.start
    expect(ids(openingRow(windows, { ...DEFAULT_ALARM_POLICY, settledUntil: from(1) }))).toEqual([
      '2012-02',
      '2012-03',
    ])
    expect(openingRow(windows, { ...DEFAULT_ALARM_POLICY, settledUntil: from(2) })).toBeNull()
    expect(ids(openingRow(windows, { breachesInARow: 1 }))).toEqual(['2012-01'])
    expect(ids(openingRow(windows, { breachesInARow: 3 }))).toHaveLength(3)
    expect(openingRow(windows, { breachesInARow: 4 })).toBeNull()
  })

  it('agrees with a search for the words in a row', () => {
    const say = fc.constantFrom<Say>('breached', 'healthy', 'too_few', 'waiting_for_labels')
    fc.assert(
      fc.property(
        fc.array(say, { maxLength: 12 }),
        fc.integer({ min: 1, max: 3 }),
        (said, breachesInARow) => {
          const judged = said.filter(word => word === 'breached' || word === 'healthy').join(' ')
          const found = judged.includes(Array(breachesInARow).fill('breached').join(' '))
          expect(openingRow(months('2012-01', said), { breachesInARow }) !== null).toBe(found)
        },
      ),
    )
  })
})

describe('reassess', () => {
  const [january, february] = months('2012-01', ['breached', 'breached']) as [
    WindowAssessment,
    WindowAssessment,
  ]
  const corrected: WindowAssessment = { ...february, revision: 2, breached: false }

  it('opens with the second breach, and withdraws when corrected labels take it back', () => {
    const first = reassess([], january)
    expect(first).toMatchObject({ outcome: 'first', follows: 'nothing' })
    const second = reassess(first.assessments, february)
    expect(second).toMatchObject({ outcome: 'first', follows: 'opens' })
    const third = reassess(second.assessments, corrected)
    expect(third).toEqual({ assessments: [january, corrected], outcome: 'replaced', follows: 'withdraws' })
    const again = reassess(third.assessments, { ...february, revision: 3 })
    expect(again).toMatchObject({ outcome: 'replaced', follows: 'opens' })
  })

  it('ignores a look that is not newer', () => {
    const known = [january, corrected]
    for (const revision of [1, 2]) {
      const late = reassess(known, { ...february, revision })
      expect(late).toEqual({ assessments: known, outcome: 'stale', follows: 'nothing' })
    }
  })

  it('counts revisions from 1', () => {
    expect(nextRevision([], '2012-01')).toBe(1)
    expect(nextRevision([january, corrected], '2012-02')).toBe(3)
  })

  it('ends with the newest look at each window, in whatever order they come in', () => {
    const looks = months('2012-01', ['breached', 'healthy', 'breached', 'breached']).flatMap(window =>
      [1, 2, 3].map(revision => ({ ...window, revision, breached: revision === 3 ? window.breached : null })),
    )
    const newest = looks.filter(({ revision }) => revision === 3)
    fc.assert(
      fc.property(fc.shuffledSubarray(looks, { minLength: looks.length }), shuffled => {
        let known: readonly WindowAssessment[] = []
        let open = 0
        for (const look of shuffled) {
          const { assessments, follows } = reassess(known, look)
          known = assessments
          open += { opens: 1, withdraws: -1, nothing: 0 }[follows]
        }
        expect(known).toEqual(newest)
        expect(open).toBe(1)
      }),
    )
  })
})
