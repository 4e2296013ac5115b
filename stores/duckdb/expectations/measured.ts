import type { Expectation, Scalar } from '../../../domain/expectations/expectation.js'
import type { Measure } from '../../../domain/expectations/needs.js'
import { type Foreign, type Modes, SHOWN } from '../../../domain/expectations/outcome.js'
import type { Observed } from '../../../domain/expectations/distance.js'
import type { JsonRow, JsonValue } from '../duckdb.js'
import { judgedColumns } from './judged.js'
import { columnTypeOf, type Types } from './table.js'

/** What a statement answered for a measure, as the decisions take it. */
export function readMeasure(
  measure: Measure,
  expectation: Expectation,
  value: JsonValue,
  types: Types,
): unknown {
  const [column] = judgedColumns(expectation)
  const type = column === undefined ? undefined : columnTypeOf(types.get(column)!)
  const scalar = (one: JsonValue): Scalar | null =>
    (type === 'integer' || type === 'number') && one !== null
      ? Number(one)
      : type === 'timestamp' && typeof one === 'string'
        ? one.replace(' ', 'T')
        : (one as Scalar | null)
  const scalars = (list: JsonValue | undefined): Scalar[] =>
    ((list as JsonValue[] | null) ?? []).map(scalar) as Scalar[]
  const struct = value as JsonRow
  switch (measure) {
    case 'rows':
    case 'judged':
    case 'unexpected':
    case 'repeated':
    case 'distinct':
    case 'other_rows':
      return Number(value)
    case 'quantiles':
      return value === null ? null : (value as JsonValue[]).map(number)
    case 'min':
    case 'max': {
      const one = scalar(value)
      return typeof one === 'number' && Number.isNaN(one) && expectation.nan !== 'value' ? null : one
    }
    case 'foreign':
      return { count: Number(struct['count']), values: scalars(struct['values']) } satisfies Foreign
    case 'present':
      return ((value as JsonValue[] | null) ?? []).map(Number)
    case 'modes': {
      const counts = ((struct['counts'] as JsonValue[] | null) ?? []).map(Number)
      const top = counts[0] ?? 0
      const values = scalars(struct['values']).filter((_, i) => counts[i] === top)
      return {
        values: values.toSorted((a, b) => (a < b ? -1 : 1)).slice(0, SHOWN),
        tied: counts[1] === top,
        inSet: top > 0 && Number(struct['in_set'] ?? 0) === top,
      } satisfies Modes
    }
    case 'frequencies': {
      const counts = expectation.partition_object!.values!.map(() => 0)
      for (const { place, n } of (struct['counts'] as JsonRow[] | null) ?? [])
        counts[Number(place)] = Number(n)
      const others = {
        values: Number(struct['values']),
        rows: Number(struct['rows'] ?? 0),
        nLogN: Number(struct['n_log_n'] ?? 0),
      }
      return { counts, tails: [0, 0], others } satisfies Observed
    }
    case 'histogram': {
      const edges = expectation.partition_object!.bins!.length
      const rows = Array.from({ length: edges + 1 }, () => 0)
      for (const { key, value: n } of (value as JsonRow[] | null) ?? []) rows[Number(key)] = Number(n)
      return { counts: rows.slice(1, edges), tails: [rows[0]!, rows[edges]!] } satisfies Observed
    }
    default:
      return number(value)
  }
}

function number(value: JsonValue): number | null {
  if (value === null) return null
  const found = Number(value)
  return Number.isNaN(found) ? null : found
}
