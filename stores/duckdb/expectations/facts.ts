import type { Scalar } from '../../../domain/expectations/expectation.js'
import type { ColumnFacts, TableFacts } from '../../../domain/expectations/infer.js'
import type { ColumnProfile, Profile } from '../../../domain/profile/profile.js'
import { columnTypeOf } from './table.js'

/** What a suite is inferred from, out of the profile of a table. */
export function factsOf({ rows, columns }: Profile): TableFacts {
  return { rows, columns: columns.map(columnFacts) }
}

function columnFacts({
  name,
  type,
  count,
  nulls,
  distinct,
  min,
  max,
  numeric,
  top,
}: ColumnProfile): ColumnFacts {
  const nan = numeric?.nan ?? 0
  const known = columnTypeOf(type)
  return {
    name,
    ...(known && { type: known }),
    values: count - nan,
    missing: nulls + nan,
    // NaN is one of the distinct values.
    distinct: distinct - (nan > 0 ? 1 : 0),
    infinite: numeric?.infinite ?? 0,
    min: min as Scalar | null,
    max: max as Scalar | null,
    top: top.flatMap(({ value, count: n }) =>
      value === null || value === 'NaN' ? [] : [{ value: value as Scalar, count: n }],
    ),
  }
}
