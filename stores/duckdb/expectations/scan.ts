import type { Expectation } from '../../../domain/expectations/expectation.js'
import type { Measure } from '../../../domain/expectations/needs.js'
import { isJudged, judgedColumns } from './judged.js'
import { both, countOf, type Scope } from './scope.js'
import { isFloat } from './table.js'
import { unexpectedInScan } from './unexpected.js'

/** The aggregate of the scan that measures something. */
export function scanSql(measure: Measure, expectation: Expectation, scope: Scope): string {
  const condition = scope.condition(expectation)
  const [first] = judgedColumns(expectation)
  switch (measure) {
    case 'rows':
      return condition === undefined ? 'count(*)' : countOf(condition)
    case 'judged':
      if (expectation.column !== undefined) return `count(${scope.conditional(first!, expectation)})`
      return countOf(
        both(
          condition,
          isJudged(expectation, column => scope.value(column, expectation)),
        ),
      )
    case 'unexpected':
      return countOf(unexpectedRow(expectation, unexpectedInScan(expectation, scope), scope))
    default:
      return measure === 'stdev' && isFloat(scope.typeOf(first!))
        ? stdevOfFloats(scope.conditional(first!, expectation))
        : aggregate(measure, expectation, scope.conditional(first!, expectation))
  }
}

/** A row counts as unexpected when it is looked at, judged, and otherwise. */
export function unexpectedRow(expectation: Expectation, unexpected: string, scope: Scope): string {
  // A single column that is missing makes the comparison NULL by itself.
  const judged =
    expectation.column === undefined
      ? isJudged(expectation, column => scope.value(column, expectation))
      : undefined
  return both(scope.condition(expectation), judged, unexpected)
}

function aggregate(measure: Measure, expectation: Expectation, value: string): string {
  switch (measure) {
    case 'mean':
      return `avg(${value})`
    case 'sum':
      return `coalesce(sum(${value}), 0)`
    case 'stdev':
      return `stddev_samp(${value})`
    case 'quantiles':
      return quantiles(expectation, value)
    default:
      return `${measure}(${value})`
  }
}

/**
 * NULL where one is infinite or NaN, as numpy has NaN, and scaled where squares would be infinite: DuckDB ends the
 * statement at either, and with it what all others have asked.
 */
function stdevOfFloats(value: string): string {
  const greatest = `max(abs(${value}))`
  return `CASE WHEN ${greatest} <= 1e150 THEN stddev_samp(CASE WHEN abs(${value}) <= 1e150 THEN ${value} END)
    WHEN isfinite(${greatest}) THEN stddev_samp(CASE WHEN isfinite(${value}) THEN ${value} / 1e160::DOUBLE END) * 1e160::DOUBLE END`
}

/** Quantiles by the place (n - 1) q in the order of values, as numpy has it. */
function quantiles(
  { quantile_ranges: asked, allow_relative_error: how = 'nearest' }: Expectation,
  value: string,
): string {
  const { quantiles: fractions } = asked!
  if (how === 'linear') return `quantile_cont(${value}::DOUBLE, [${fractions.join(', ')}])`
  const at = (place: string): string => `x[CAST(${place} AS BIGINT) + 1]::DOUBLE`
  const found = fractions.map(q => {
    const place = `((len(x) - 1) * ${q}::DOUBLE)`
    if (how === 'midpoint') return `(${at(`floor${place}`)} + ${at(`ceil${place}`)}) / 2`
    if (how === 'nearest') return at(`round_even(${place}, 0)`)
    return at(how === 'lower' ? `floor${place}` : `ceil${place}`)
  })
  return `list_transform([list_sort(list(${value}) FILTER (${value} IS NOT NULL))], lambda x: [${found.join(', ')}])[1]`
}
