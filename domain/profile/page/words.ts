import { count, decimal, percent, plain } from '../../drift/report/numbers.js'
import type { Alert } from '../alerts.js'
import type { ProfileValue } from '../profile.js'
import type { AlertKind } from '../thresholds.js'

export const ALERT_NAMES: Readonly<Record<AlertKind, string>> = {
  constant: 'constant',
  duplicates: 'duplicates',
  high_cardinality: 'high cardinality',
  high_correlation: 'high correlation',
  imbalance: 'imbalance',
  infinite: 'infinite',
  missing: 'missing',
  skewed: 'skewed',
  unique: 'unique',
  zeros: 'zeros',
}

/** What an alert says of its column, or of the table. */
export function alertText({ kind, value, other }: Alert): string {
  switch (kind) {
    case 'constant':
      return 'has one value only'
    case 'duplicates':
      return `${count(value)} rows equal an earlier one`
    case 'high_cardinality':
      return `has ${count(value)} distinct values`
    case 'high_correlation':
      return `is correlated with ${other ?? ''} (r = ${decimal(value)})`
    case 'imbalance':
      return `is out of balance (${decimal(value)})`
    case 'infinite':
      return `is infinite in ${percent(value)} of rows`
    case 'missing':
      return `is missing in ${percent(value)} of rows`
    case 'skewed':
      return `is skewed (${decimal(value)})`
    case 'unique':
      return 'has no value twice'
    case 'zeros':
      return `is zero in ${percent(value)} of rows`
  }
}

/** A value of a column, for people. */
export function shown(value: ProfileValue | undefined): string {
  if (value === null || value === undefined) return 'none'
  if (typeof value === 'number') return plain(value)
  if (typeof value === 'string') return value === '' ? '(empty)' : value.replace('T', ' ')
  return typeof value === 'boolean' ? String(value) : JSON.stringify(value)
}

/** Texts stay as they are. */
export function shownText(value: ProfileValue): string {
  return typeof value === 'string' && value !== '' ? value : shown(value)
}
