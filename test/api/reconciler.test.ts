import { describe, expect, it } from '@jest/globals'
import { Reconciler } from '../../api/platform/reconciler.js'
import type { Log } from '../../api/platform/tokens.js'
import { MlforgeError } from '../../domain/errors.js'
import type { PageOf, PageRequest } from '../../stores/postgres/paging.js'
import { eventually } from '../support/eventually.js'
import { silentLogger } from '../support/silent-logger.js'

/** Rows in pages of two, some of which fail. */
class Numbers extends Reconciler<number> {
  readonly done: number[] = []

  constructor(
    private readonly failures: ReadonlyMap<number, Error>,
    log = silentLogger as unknown as Log,
  ) {
    super('numbers', log)
  }

  protected async list({ cursor }: PageRequest): Promise<PageOf<number>> {
    const from = cursor === undefined ? 0 : Number(cursor)
    const items = [1, 2, 3, 4, 5].slice(from, from + 2)
    return Promise.resolve(from + 2 < 5 ? { items, nextCursor: String(from + 2) } : { items })
  }

  protected async reconcileOne(row: number): Promise<void> {
    const failure = this.failures.get(row)
    if (failure) return Promise.reject(failure)
    this.done.push(row)
    return Promise.resolve()
  }
}

describe('a pass over all rows', () => {
  it('goes on behind a row that fails, and tells of the first', async () => {
    const numbers = new Numbers(
      new Map([
        [2, new Error('no such pipeline')],
        [4, new Error('another')],
      ]),
    )
    await expect(numbers.reconcile()).rejects.toThrow('no such pipeline')
    expect(numbers.done).toEqual([1, 3, 5])
  })

  it('ends where Temporal is away', async () => {
    const numbers = new Numbers(new Map([[2, new MlforgeError('unavailable', 'away')]]))
    await expect(numbers.reconcile()).rejects.toThrow('away')
    expect(numbers.done).toEqual([1])
  })

  it('is begun at the start, and its failure said', async () => {
    const said: unknown[] = []
    const log = { warn: (...what: unknown[]) => void said.push(...what) } as unknown as Log
    const numbers = new Numbers(new Map([[3, new Error('broken')]]), log)
    numbers.onApplicationBootstrap()
    await eventually(() =>
      expect(said).toEqual([{ reason: 'broken' }, 'numbers not reconciled; trying again']),
    )
    await numbers.onModuleDestroy()
    expect(numbers.done).toEqual([1, 2, 4, 5])
  })
})
