import { type ColumnProfile, correlationAt, missingOf, type Profile } from './profile.js'
import { type AlertKind, THRESHOLDS } from './thresholds.js'

export interface Alert {
  readonly kind: AlertKind
  /** Null where it is of the table. */
  readonly column: string | null
  /** What was measured, as THRESHOLDS says it is compared. */
  readonly value: number
  /** Of high correlations: with which column. */
  readonly other?: string
}

/** What a person should look at before the data is used, by the thresholds of THRESHOLDS, in the order of columns. */
export function alertsOf(profile: Profile): Alert[] {
  const { duplicates, rows, columns } = profile
  const table: Alert[] =
    duplicates !== null && duplicates > THRESHOLDS.duplicates.value
      ? [{ kind: 'duplicates', column: null, value: duplicates }]
      : []
  const correlated = highCorrelations(profile)
  return [
    ...table,
    ...columns.flatMap(column => [...columnAlerts(column, rows), ...(correlated.get(column.name) ?? [])]),
  ]
}

function columnAlerts(column: ColumnProfile, rows: number): Alert[] {
  const { name, kind, count, distinct, imbalance, numeric } = column
  const found: Alert[] = []
  const add = (alert: AlertKind, value: number): void => void found.push({ kind: alert, column: name, value })
  const over = (alert: AlertKind, value: number): void => {
    if (value > THRESHOLDS[alert].value) add(alert, value)
  }
  if (rows === 0) return found
  over('missing', missingOf(column) / rows)
  // NaN is missing, and one of the distinct values.
  const nan = numeric?.nan ?? 0
  const different = distinct - Math.sign(nan)
  if (count - nan >= 2 && different <= THRESHOLDS.constant.value) add('constant', different)
  const isUnique =
    rows >= 2 && kind !== 'number' && count === rows && distinct / rows >= THRESHOLDS.unique.value
  if (isUnique) add('unique', distinct / rows)
  if (kind === 'string' && !isUnique) over('high_cardinality', distinct)
  if ((kind === 'string' || kind === 'boolean') && imbalance !== null) over('imbalance', imbalance)
  if (numeric !== null) {
    over('infinite', numeric.infinite / rows)
    over('zeros', numeric.zeros / rows)
    const { skewness } = numeric
    if (skewness !== null && Math.abs(skewness) > THRESHOLDS.skewed.value) add('skewed', skewness)
  }
  return found
}

/** Each pair is told once, of the column that comes first. */
function highCorrelations({ correlations }: Profile): Map<string, Alert[]> {
  const found = new Map<string, Alert[]>()
  if (correlations === null) return found
  const { columns } = correlations
  columns.forEach((column, i) => {
    const alerts = columns.slice(i + 1).flatMap((other, after): Alert[] => {
      const r = correlationAt(correlations, i, i + 1 + after)
      if (r === null || Math.abs(r) <= THRESHOLDS.high_correlation.value) return []
      return [{ kind: 'high_correlation', column, value: r, other }]
    })
    if (alerts.length > 0) found.set(column, alerts)
  })
  return found
}
