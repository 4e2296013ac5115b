import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { canonicalJson, type Json } from '../../../domain/canonical-json.js'
import type { Suite } from '../../../domain/expectations/expectation.js'
import { sha256Hex } from '../../../stores/ids.js'
import { type NewSuite, SuiteStore } from '../../../stores/postgres/suite-store.js'
import { type TestDatabase, testDatabase } from '../../support/postgres.js'

const PROJECT = 'default'

const rows = (min: number): Suite => ({
  expectations: [{ type: 'expect_table_row_count_to_be_between', min_value: min, severity: 'error' }],
})

describe('SuiteStore', () => {
  let database: TestDatabase
  let store: SuiteStore
  beforeAll(async () => {
    database = await testDatabase()
    store = new SuiteStore(database.dataSource)
  })
  afterAll(() => database.drop())

  const put = (dataset: string, suite: Suite, more: Partial<NewSuite> = {}, project = PROJECT) =>
    store.put(project, dataset, { suite, author: null, message: null, principal: 'key:test', ...more })

  it('numbers what differs, and the last one given is the current one', async () => {
    const suite = { ...rows(1), notes: 'NUL \u0000, 1e300 and ü' }
    const first = await put('orders', suite, { author: 'Ada', message: 'a start' })
    expect(first).toMatchObject({
      version: 1,
      created: true,
      isCurrent: true,
      sha256: sha256Hex(canonicalJson(suite as unknown as Json)),
      expectations: 1,
      author: 'Ada',
      message: 'a start',
      principal: 'key:test',
      suite,
    })
    expect(await put('orders', rows(2))).toMatchObject({ version: 2, created: true })
    expect(await store.current(PROJECT, 'orders')).toMatchObject({ version: 2, suite: rows(2) })
    expect(await store.version(PROJECT, 'orders', 1)).toMatchObject({ version: 1, isCurrent: false, suite })
    expect(await store.version(PROJECT, 'orders')).toMatchObject({ version: 2, isCurrent: true })
  })

  it('knows the same content again, whatever the order of its members', async () => {
    const [{ type, min_value, severity }] = rows(1).expectations as [Suite['expectations'][number]]
    await put('again', rows(1), { author: 'Ada' })
    const again = await put(
      'again',
      { expectations: [{ severity, min_value, type }] as never },
      { author: 'Bo' },
    )
    expect(again).toMatchObject({ version: 1, created: false, author: 'Ada' })
    await put('again', rows(2))
    expect(await put('again', rows(1))).toMatchObject({ version: 1, created: false, isCurrent: true })
    expect(await put('again', rows(3))).toMatchObject({ version: 3, created: true })
  })

  it('refuses what was made from another version than the current one', async () => {
    await put('moved', rows(1), { expected: null })
    await put('moved', rows(2), { expected: 1 })
    await expect(put('moved', rows(3), { expected: 1 })).rejects.toMatchObject({
      code: 'suite_moved',
      message: expect.stringContaining('is at version 2 by now'),
      details: { version: 2 },
    })
    await expect(put('moved', rows(3), { expected: null })).rejects.toMatchObject({ code: 'suite_moved' })
    await expect(put('nowhere', rows(3), { expected: 1 })).rejects.toMatchObject({
      details: { version: null },
    })
    expect(await store.current(PROJECT, 'nowhere')).toBeNull()
    // An answer that was lost is given again.
    expect(await put('moved', rows(2), { expected: 1 })).toMatchObject({ version: 2, created: false })
  })

  it('lets one of two at once win, and numbers the rest without gaps', async () => {
    await put('raced', rows(0))
    const both = await Promise.allSettled([1, 2].map(min => put('raced', rows(min), { expected: 1 })))
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const all = await Promise.all([3, 4, 5, 6].map(min => put('raced', rows(min))))
    expect(all.map(({ version }) => version).sort()).toEqual([3, 4, 5, 6])
  })

  it('lists versions by pages, the newest first, and keeps projects apart', async () => {
    for (const min of [1, 2, 3]) await put('listed', rows(min))
    await put('listed', rows(2))
    const one = await store.versions(PROJECT, 'listed', { limit: 2 })
    expect(one.items).toMatchObject([
      { version: 3, isCurrent: false, expectations: 1 },
      { version: 2, isCurrent: true },
    ])
    expect(one.items[0]).not.toHaveProperty('suite')
    const two = await store.versions(PROJECT, 'listed', { limit: 2, cursor: one.nextCursor! })
    expect(two.items.map(({ version }) => version)).toEqual([1])
    expect(two.nextCursor).toBeUndefined()
    expect(await store.current('other', 'listed')).toBeNull()
    expect(await put('listed', rows(9), {}, 'other')).toMatchObject({ version: 1 })
  })

  it('says what is not there', async () => {
    await expect(store.version(PROJECT, 'none')).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('mlforge data expectations set'),
    })
    await put('few', rows(1))
    await expect(store.version(PROJECT, 'few', 7)).rejects.toThrow('no version 7; its current one is 1')
  })
})
