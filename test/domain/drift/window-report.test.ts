import { describe, expect, it } from '@jest/globals'
import { canonicalJson, type Json } from '../../../domain/canonical-json.js'
import { completePolicy, type PolicyRequest } from '../../../domain/drift/monitoring-policy.js'
import { reportPage } from '../../../domain/drift/report/page.js'
import { stateOf, type WindowContent, windowBasis } from '../../../domain/drift/window-basis.js'
import {
  compareColumn,
  dominantVersion,
  type ReferenceFacts,
  reportWindow as reportFrom,
  type WindowFacts,
  type WindowValues,
} from '../../../domain/drift/window-report.js'
import { windowOfId } from '../../../domain/drift/windows.js'

type Columns = Readonly<Record<string, readonly number[] | null>>

/** The report of a window whose columns are compared with others. */
const reportWindow = (
  facts: WindowFacts,
  values: WindowValues,
  reference: ReferenceFacts,
  current: Columns = COLUMNS,
  before: Columns = BEFORE,
) =>
  reportFrom(
    facts,
    values,
    reference,
    facts.policy.columns.map(column => {
      const compared = 'absent' in reference ? reference : (before[column.name] ?? null)
      return compareColumn(column, current[column.name] ?? null, compared)
    }),
  )
const WINDOW = windowOfId({ every: 'month' }, '2012-01')!
const signature = (names: readonly string[]) => ({
  features: names.map(name => ({ name, type: 'number' as const })),
  target: 'cnt',
  output: { name: 'cnt' },
})
const factsOf = (request: PolicyRequest = {}, more: Partial<WindowFacts> = {}): WindowFacts => ({
  deployment: 'demand',
  model: 'bike',
  window: WINDOW,
  policy: completePolicy({ minLabelled: 4, ...request }, signature(['temp', 'hr'])),
  state: 'assessable',
  reason: '4 of 4 rows are labelled',
  watermark: WINDOW.end,
  gaps: [],
  ...more,
})
const VALUES: WindowValues = {
  output: [10, 20, 30, 40],
  label: [20, 40, 60, 80],
  version: [1, 1, 2, 1],
  versions: [
    { version: 1, rows: 3, share: 0.75 },
    { version: 2, rows: 1, share: 0.25 },
  ],
  quartilesOf: [0.1, 0.2, 0.3, 0.4],
}
const COLUMNS: Columns = {
  cnt: [20, 40, 60, 80],
  prediction: [10, 20, 30, 40],
  temp: [0.1, 0.2, 0.3, 0.4],
  hr: [1, 2, 3, NaN],
}
const BEFORE: Columns = {
  cnt: [11, 21, 31],
  prediction: [10, 20, 30],
  temp: [0.1, 0.2, 0.3],
  hr: [1, 2, 3],
}
const REFERENCE: ReferenceFacts = {
  of: { kind: 'sameSeason' },
  version: 1,
  ranges: [{ start: 0, end: 1 }],
  rows: 3,
}

describe('the report of a window', () => {
  it('judges errors, of all rows and of each version', () => {
    const report = reportWindow(factsOf({ quartilesOf: 'temp' }), VALUES, REFERENCE)
    expect(report).toMatchObject({
      rows: 4,
      labelled: 4,
      breached: true,
      errors: { metrics: { relativeBias: 0.5, wape: 0.5, mae: 25 } },
      versions: [
        { version: 1, labelled: 3, metrics: { mae: 70 / 3 } },
        { version: 2, labelled: 1, metrics: { mae: 30 } },
      ],
      quartiles: { column: 'temp', groups: [{ rows: 1 }, { rows: 1 }, { rows: 1 }, { rows: 1 }] },
      reference: { status: 'selected', rows: 3, version: 1 },
    })
    expect(report.columns.map(({ role, column, status }) => [role, column, status])).toEqual([
      ['label', 'cnt', 'assessed'],
      ['prediction', 'prediction', 'assessed'],
      ['feature', 'temp', 'assessed'],
      ['feature', 'hr', 'assessed'],
    ])
  })

  it('says nothing of errors where the window is not assessable, but compares its columns', () => {
    const facts = factsOf({}, { state: 'waiting_for_labels', reason: '1 of 4 rows are labelled' })
    const label = [20, NaN, NaN, NaN]
    const report = reportWindow(facts, { ...VALUES, label }, REFERENCE, { ...COLUMNS, cnt: label })
    expect(report).toMatchObject({ labelled: 1, breached: null, errors: null })
    const [labels, , temp] = report.columns
    expect(labels).toMatchObject({ status: 'assessed', rows: { reference: 3, current: 1 } })
    expect(temp).toMatchObject({ status: 'assessed', rows: { reference: 3, current: 4 } })
  })

  it.each<[string, ReferenceFacts, Columns, unknown[]]>([
    [
      'there is no reference',
      { of: { kind: 'sameSeason' }, absent: 'no period like it' },
      BEFORE,
      ['no period like it', 'no period like it', 'no period like it', 'no period like it'],
    ],
    [
      'it could not be scored and lacks a column',
      REFERENCE,
      { cnt: BEFORE['cnt']!, temp: [1] },
      [undefined, 'the reference has no such column', undefined, 'the reference has no such column'],
    ],
  ])('says why a column is not compared: %s', (_what, reference, before, reasons) => {
    const { columns } = reportWindow(factsOf(), VALUES, reference, COLUMNS, before)
    expect(columns.map(column => (column.status === 'assessed' ? undefined : column.reason))).toEqual(reasons)
  })

  it('leaves columns that say when alone, and names those that no row has', () => {
    const facts = factsOf({ columns: [{ name: 'hr', role: 'time' }] })
    const { columns } = reportWindow(facts, VALUES, REFERENCE, {})
    expect(columns.slice(2)).toMatchObject([
      { column: 'temp', status: 'not_assessed', reason: 'no version that answered the window has it' },
      { column: 'hr', status: 'not_tested' },
    ])
  })

  it('is compared with the training data of the version that answered most', () => {
    const versions = (...rows: number[]) => rows.map((each, i) => ({ version: i + 1, rows: each, share: 0 }))
    expect(dominantVersion(versions(3, 5, 1))).toBe(2)
    expect(dominantVersion(versions(5, 5))).toBe(2)
    expect(dominantVersion([])).toBeNull()
  })

  it('survives JSON', () => {
    const report = reportWindow(factsOf({ quartilesOf: 'temp' }), VALUES, REFERENCE)
    const text = canonicalJson(report as unknown as Json)
    expect(JSON.parse(text)).toEqual(report)
  })
})

describe('what an assessment follows from', () => {
  const content: WindowContent = { rows: 4, labelled: 4, rowsHash: '1', labelsHash: '2', dropped: 0 }
  const { policy } = factsOf()
  const basis = (more: Partial<WindowContent> = {}, other = policy) =>
    windowBasis(WINDOW, { ...content, ...more }, 'assessable', other)

  it('is the same text for the same', () => {
    expect(basis()).toBe(basis())
  })

  it.each<[string, () => string]>([
    ['rows', () => basis({ rows: 5 })],
    ['outputs', () => basis({ rowsHash: '9' })],
    ['a label', () => basis({ labelsHash: '9' })],
    ['dropped rows', () => basis({ dropped: 1 })],
    ['the policy', () => basis({}, { ...policy, breachesInARow: 3 })],
    ['the state', () => windowBasis(WINDOW, content, 'open', policy)],
  ])('changes with %s', (_what, other) => {
    expect(other()).not.toBe(basis())
  })

  it('is open while nothing is known', () => {
    expect(stateOf(WINDOW, content, null, policy).state).toBe('open')
    expect(stateOf(WINDOW, content, WINDOW.end, policy).state).toBe('assessable')
  })
})

describe('the page of a report', () => {
  const page = (more: Partial<WindowFacts> = {}, request: PolicyRequest = { quartilesOf: 'temp' }) =>
    reportPage(reportWindow(factsOf(request, more), VALUES, REFERENCE))

  it('says the verdict with its numbers, and what decides', () => {
    const text = page()
    expect(text).toContain('<strong>Breached</strong>')
    expect(text).toContain('Relative bias 0.500 is beyond +/- 0.2.')
    expect(text).toContain('They alone decide about a breach.')
    expect(text).toContain('Errors by temp')
    expect(text).toContain('training rows of version 1 from the same season of other years, 3 rows')
  })

  it('is the same for the same report', () => {
    expect(page()).toBe(page())
  })

  it('fetches nothing and runs nothing', () => {
    const text = page()
    expect(text).not.toMatch(/<script|<link|<img|<iframe|\son\w+=|url\(|@import|https?:|src=|href=/i)
  })

  it('escapes whatever comes from outside', () => {
    const evil = `<img src=x onerror=alert(1)>"'&`
    const facts = { deployment: evil, model: evil, reason: evil, window: { ...WINDOW, id: evil } }
    const policy = completePolicy({ quartilesOf: evil }, signature([evil]))
    const columns = { ...COLUMNS, [evil]: [1, 2, 3, 4] }
    const reference: ReferenceFacts = { of: { kind: 'training' }, absent: evil }
    const report = reportWindow(factsOf({}, { ...facts, policy }), VALUES, reference, columns)
    const text = reportPage(report)
    expect(text).not.toContain('<img')
    expect(text).not.toContain(`"'&`)
    expect(text.split('&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;').length).toBeGreaterThan(5)
  })

  it('tells a window that waits, and what was dropped', () => {
    const text = page({
      state: 'waiting_for_labels',
      reason: '1 of 4 rows are labelled',
      gaps: [{ from: WINDOW.start, to: WINDOW.start + 3_600_000, dropped: 12_345 }],
    })
    expect(text).toContain('Not assessed: waiting for labels')
    expect(text).toContain('12,345 predictions were dropped and not logged')
    expect(text).toContain('Gaps in the prediction log')
    expect(text).not.toContain('They alone decide')
  })
})
