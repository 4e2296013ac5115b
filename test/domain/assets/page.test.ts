import { describe, expect, it } from '@jest/globals'
import { ITEM_STATES, NO_ITEMS } from '../../../domain/assets/items.js'
import type { BackfillPageFacts } from '../../../domain/assets/page/facts.js'
import { backfillPage } from '../../../domain/assets/page/page.js'

const facts: BackfillPageFacts = {
  id: 'b1',
  assets: ['daily'],
  status: 'running',
  principal: 'key:admin',
  createdAt: Date.parse('2026-01-31T12:00:00Z'),
  seconds: 75.4,
  counts: { ...NO_ITEMS, waiting: 1, running: 1, succeeded: 1, failed: 1 },
  byAsset: [
    { asset: 'daily', counts: { ...NO_ITEMS, waiting: 1, running: 1, succeeded: 1, failed: 1 }, seconds: 2 },
  ],
  paused: null,
  error: null,
  workflow: null,
  items: (['succeeded', 'failed', 'running', 'waiting'] as const).map((state, i) => ({
    ...{ asset: 'daily', partition: `2026-01-0${i + 1}`, state, note: null },
    error: state === 'failed' ? '<script>alert(1)</script>' : null,
  })),
}

describe('the page of a backfill', () => {
  it('shows how far it is, each partition and why some failed', () => {
    const page = backfillPage(facts)
    expect(page).toMatch('2 of 4 partitions have ended')
    expect(page).toMatch('1 min 15 s so far')
    for (const { partition, state } of facts.items) expect(page).toMatch(`title="${partition}: ${state}"`)
    expect(page).toMatch('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(page).not.toMatch(/<script|https?:|@import|url\(/)
  })

  it('tells who has paused it, and escapes what anybody wrote', () => {
    const page = backfillPage({
      ...facts,
      assets: ['<b>'],
      paused: { by: 'key:<i>', reason: '"&' },
    })
    expect(page).toMatch('Paused by key:&lt;i&gt;: &quot;&amp;.')
    expect(page).not.toMatch('<b>')
  })

  it('has a colour for each state', () => {
    for (const state of ITEM_STATES) {
      const page = backfillPage({ ...facts, counts: { ...NO_ITEMS, [state]: 3 }, items: [], byAsset: [] })
      expect(page).toMatch(`.${state} {`)
      expect(page).toMatch(`class="${state}" style="width:100.000%"`)
    }
  })

  it('of nothing to make says so', () => {
    const page = backfillPage({ ...facts, status: 'succeeded', counts: NO_ITEMS, items: [], byAsset: [] })
    expect(page).toMatch('0 of 0 partitions have ended: nothing to make')
  })
})
