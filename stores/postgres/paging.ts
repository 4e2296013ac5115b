import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm'
import { MlforgeError } from '../../domain/errors.js'

export interface PageRequest {
  readonly limit?: number
  readonly cursor?: string
}

export interface PageOf<T> {
  readonly items: T[]
  readonly nextCursor?: string
}

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 200

/**
 * One page, newest first unless said otherwise, by the columns given (property names; the last makes the order total).
 * The cursor holds the values of the last row, so rows that come in meanwhile shift nothing.
 */
export async function page<T extends ObjectLiteral>(
  query: SelectQueryBuilder<T>,
  keys: readonly (keyof T & string)[],
  request: PageRequest,
  order: 'ASC' | 'DESC' = 'DESC',
): Promise<PageOf<T>> {
  const limit = Math.min(request.limit ?? DEFAULT_LIMIT, MAX_LIMIT)
  const columns = keys.map(key => `${query.alias}.${key}`)
  if (request.cursor !== undefined) {
    const values = decodeCursor(request.cursor, keys.length)
    const names = values.map((_, i) => `:cursor${i}`)
    query.andWhere(
      `(${columns.join(', ')}) ${order === 'DESC' ? '<' : '>'} (${names.join(', ')})`,
      Object.fromEntries(values.map((value, i) => [`cursor${i}`, value])),
    )
  }
  for (const column of columns) query.addOrderBy(column, order)
  const rows = await query.take(limit + 1).getMany()
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  return rows.length > limit && last
    ? { items, nextCursor: encodeCursor(keys.map(key => last[key])) }
    : { items }
}

/** All items of a list, page by page. */
export async function* allPages<T>(list: (request: PageRequest) => Promise<PageOf<T>>): AsyncGenerator<T> {
  for (let request: PageRequest | undefined = {}; request !== undefined;) {
    const { items, nextCursor }: PageOf<T> = await list(request)
    yield* items
    request = nextCursor === undefined ? undefined : { cursor: nextCursor }
  }
}

function encodeCursor(values: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(values)).toString('base64url')
}

function decodeCursor(cursor: string, length: number): unknown[] {
  try {
    const values: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (Array.isArray(values) && values.length === length) return values
  } catch {
    // Falls through to the one answer for every cursor that is not ours.
  }
  throw new MlforgeError(
    'invalid_request',
    'The cursor is not one of this list. Begin again without a cursor.',
    {
      problems: [{ at: 'cursor', message: 'not a cursor that this list has returned' }],
    },
  )
}
