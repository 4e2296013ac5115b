import type { Parameters } from './expectation.js'

/** What a parameter holds; with a question mark it may be left out. */
export type ParameterKind =
  | 'bound'
  | 'column'
  | 'columns'
  | 'count'
  | 'flag'
  | 'format'
  | 'ignore pair'
  | 'ignore row'
  | 'interpolation'
  | 'like'
  | 'likes'
  | 'match'
  | 'name'
  | 'names'
  | 'number'
  | 'pairs'
  | 'partition'
  | 'quantiles'
  | 'regex'
  | 'regexes'
  | 'share'
  | 'table'
  | 'type'
  | 'types'
  | 'values'

/**
 * Which statement measures it: none (the schema says it), the scan of rows and aggregates, or one of those
 * that group by key, join another table, or compare a column with what is known of the whole of it.
 */
export type Query = 'schema' | 'scan' | 'uniqueness' | 'reference' | 'distribution'

/** Of which columns: any that datasets have, numbers, or what has a distance and an order. */
export type Judged = 'any' | 'plain' | 'number' | 'ordered' | 'comparable'

export interface Definition {
  /** What holds when it holds, in one sentence. */
  readonly about: string
  readonly query: Query
  /** Whether it judges single rows, so that it has `mostly` and failing rows. */
  readonly rows: boolean
  readonly parameters: Readonly<Partial<Record<keyof Parameters, ParameterKind | `${ParameterKind}?`>>>
  readonly judges?: Judged
  /** At least one of min_value and max_value, in order. */
  readonly bounds?: 'values' | 'numbers' | 'counts' | 'shares'
  /** False for what Great Expectations has not. */
  readonly ours?: true
  readonly example: Readonly<Parameters>
}
