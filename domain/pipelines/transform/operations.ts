import type { Json } from '../../canonical-json.js'
import type { ColumnType } from '../../datasets/schema.js'
import { SQL_TYPES } from '../../duckdb/types.js'
import { didYouMean } from '../../suggest.js'
import type { PipelineProblem } from '../problems.js'
import {
  bounds,
  constant,
  type FieldCheck,
  isObject,
  type IsOpen,
  list,
  members,
  numberOf,
  object,
  oneOf,
  sortKey,
  text,
} from '../fields.js'

type ByColumn<T> = Readonly<Record<string, T>>
export type SortKey = string | { readonly column: string; readonly order?: 'asc' | 'desc' }

/** One operation on a table. None of them learns anything from its rows. */
export type Operation =
  | { readonly kind: 'select' | 'drop'; readonly columns: readonly string[] }
  /** New names by old ones. */
  | { readonly kind: 'rename'; readonly columns: ByColumn<string> }
  /** A predicate in SQL. */
  | { readonly kind: 'filter'; readonly where: string }
  /** Expressions in SQL, by the columns that they make. */
  | { readonly kind: 'derive'; readonly columns: ByColumn<string> }
  | { readonly kind: 'cast'; readonly columns: ByColumn<ColumnType> }
  | { readonly kind: 'fillNull'; readonly values: ByColumn<string | number | boolean> }
  | { readonly kind: 'clip'; readonly columns: ByColumn<{ readonly min?: number; readonly max?: number }> }
  | { readonly kind: 'sort'; readonly by: readonly SortKey[] }
  /** The first of rows that are equal, in some columns or in all. */
  | { readonly kind: 'distinct'; readonly columns?: readonly string[] }
  /** A row is in or out by its position and the seed. */
  | { readonly kind: 'sample'; readonly fraction: number; readonly seed?: number }
  | { readonly kind: 'limit'; readonly rows: number }

const MAX_OPERATIONS = 100
const names = list(text)

const FIELDS: Readonly<Record<Operation['kind'], Readonly<Record<string, FieldCheck>>>> = {
  select: { columns: names },
  drop: { columns: names },
  rename: { columns: members(text) },
  filter: { where: text },
  derive: { columns: members(text) },
  cast: { columns: members(oneOf(Object.keys(SQL_TYPES))) },
  fillNull: { values: members(constant) },
  clip: { columns: members(bounds) },
  sort: { by: list(sortKey) },
  distinct: { columns: names },
  sample: { fraction: numberOf(0, 1, 'above'), seed: numberOf(0, 2 ** 31 - 1, 'whole') },
  limit: { rows: numberOf(0, Number.MAX_SAFE_INTEGER, 'whole') },
}
const OPTIONAL: Readonly<Partial<Record<Operation['kind'], readonly string[]>>> = {
  distinct: ['columns'],
  sample: ['seed'],
}
const KINDS = Object.keys(FIELDS)

/**
 * Everything that is wrong with operations as they are written; paths begin at the list. Which columns there
 * are is not looked at.
 * @param isOpen says which values are not known yet
 */
export function operationProblems(operations: Json, isOpen: IsOpen = () => false): PipelineProblem[] {
  if (isOpen(operations)) return []
  if (!Array.isArray(operations) || operations.length === 0 || operations.length > MAX_OPERATIONS) {
    const message = `Must be a list of 1 to ${MAX_OPERATIONS} operations, such as { kind: filter, where: 'hr > 6' }.`
    return [{ path: [], message }]
  }
  return (operations as readonly Json[]).flatMap((each, i) => oneProblems(each, i, isOpen))
}

function oneProblems(operation: Json, i: number, isOpen: IsOpen): PipelineProblem[] {
  if (isOpen(operation)) return []
  const kind = isObject(operation) ? operation['kind'] : undefined
  if (!isObject(operation) || kind === undefined) {
    return [{ path: [i], message: `Must be an object with "kind": ${KINDS.join(', ')}.` }]
  }
  if (isOpen(kind)) return []
  if (typeof kind !== 'string' || !KINDS.includes(kind)) {
    const hint = typeof kind === 'string' ? didYouMean(kind, KINDS) : ''
    const message = `There is no operation ${JSON.stringify(kind)}.${hint} There are: ${KINDS.join(', ')}.`
    return [{ path: [i, 'kind'], message }]
  }
  const known = kind as Operation['kind']
  const fields = { kind: (): [] => [], ...FIELDS[known] }
  return object(operation, [i], fields, OPTIONAL[known] ?? [], isOpen)
}
