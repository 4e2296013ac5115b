import type { Page, PageQuery } from '../../contracts/rest/common.js'
import { invalidRequest } from './validation.js'

const DEFAULT_LIMIT = 50

/**
 * A page of a list that is at hand whole, in its order. The cursor holds the key of the last item.
 * @param keyOf the same for no two items
 */
export function pageOfList<T>(
  list: readonly T[],
  keyOf: (item: T) => string,
  { limit = DEFAULT_LIMIT, cursor }: PageQuery,
): Page<T> {
  const from = cursor === undefined ? 0 : after(list, keyOf, cursor)
  const items = list.slice(from, from + limit)
  const last = items.at(-1)
  return from + limit < list.length && last !== undefined
    ? { items, nextCursor: Buffer.from(keyOf(last)).toString('base64url') }
    : { items }
}

function after<T>(list: readonly T[], keyOf: (item: T) => string, cursor: string): number {
  const key = Buffer.from(cursor, 'base64url').toString()
  const at = list.findIndex(item => keyOf(item) === key)
  if (at !== -1) return at + 1
  throw invalidRequest([
    { at: 'cursor', message: 'not a cursor that this list has returned, or what it names is gone' },
  ])
}
