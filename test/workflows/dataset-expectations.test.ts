import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Result } from '../../domain/expectations/results.js'
import { Harness, PROJECT } from '../support/harness.js'

describe('expectations by type of a dataset commit', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await Harness.start({ queues: ['workflows', 'io'] })
  })
  afterAll(() => harness.stop())

  const orders = (customers: readonly number[]): string =>
    ['id,customer,price', ...customers.map((customer, i) => `${i + 1},${customer},${i}.5`), ''].join('\n')

  it('looks at other datasets and at the version before, and keeps results with the version', async () => {
    const customers = await harness.ended(await harness.commit('customers', 'id,name\n1,a\n2,b\n'))
    expect(customers.status).toBe('succeeded')
    const expectations = [
      {
        type: 'expect_column_values_to_be_in_other_table',
        column: 'customer',
        other_table_name: 'customers',
        other_column: 'id',
      },
      { type: 'expect_table_row_count_change_to_be_between', min_value: -0.5, severity: 'warn' },
      { type: 'expect_column_values_to_be_between', column: 'price', max_value: 2, mostly: 0.5 },
      { kind: 'unique', columns: ['id'] },
    ]
    const first = await harness.ended(await harness.commit('orders', orders([1, 2, 1, 1]), { expectations }))
    expect(first).toMatchObject({ status: 'succeeded', error: null, warnings: [] })

    const fewer = await harness.ended(await harness.commit('orders', orders([1]), { expectations }))
    expect(fewer).toMatchObject({
      status: 'succeeded',
      warnings: [expect.stringContaining('expect_table_row_count_change_to_be_between')],
    })

    const foreign = await harness.ended(await harness.commit('orders', orders([1, 7, 9]), { expectations }))
    expect(foreign).toMatchObject({
      status: 'refused',
      error: { code: 'expectations_failed', message: expect.stringContaining('2 rows fail') },
    })

    const kept = await harness.ports.datasets.version(PROJECT, 'orders', 1)
    const results = kept.expectations as Result[]
    expect(results.map(({ passed }) => passed)).toEqual([true, true, true, true])
    expect(results[2]!.counts).toEqual({
      element_count: 4,
      missing_count: 0,
      unexpected_count: 2,
      unexpected_percent: 50,
    })
  })
})
