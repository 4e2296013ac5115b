import { MlforgeError } from '../errors.js'
import type { ColumnKind, ColumnProfile, NumericProfile, Profile } from './profile.js'

/** The form of before there were versions of it. */
interface FirstProfile {
  readonly v?: undefined
  readonly rows: number
  readonly columns: readonly FirstColumn[]
}

type FirstColumn = Pick<
  ColumnProfile,
  'name' | 'type' | 'count' | 'nulls' | 'distinct' | 'min' | 'max' | 'top'
> & {
  readonly numeric: Omit<NumericProfile, 'negative' | 'skewness' | 'kurtosis'> | null
}

/**
 * A profile as it is stored with a version, of whichever form: what earlier ones have not measured is null.
 * @throws MlforgeError wrong_state for a form that a newer MLForge has written
 */
export function readProfile(stored: unknown): Profile {
  const { v } = stored as { v?: unknown }
  if (v === 2) return stored as Profile
  if (v !== undefined) {
    throw new MlforgeError(
      'wrong_state',
      `The profile is of form ${JSON.stringify(v)}, which a newer MLForge has written. Update this one to read it.`,
    )
  }
  const { rows, columns } = stored as FirstProfile
  return {
    v: 2,
    rows,
    exactQuantiles: true,
    duplicates: null,
    correlations: null,
    columns: columns.map(column => ({
      ...column,
      kind: FIRST_KINDS[column.type] ?? 'other',
      numeric: column.numeric && { ...column.numeric, negative: null, skewness: null, kurtosis: null },
      text: null,
      temporal: null,
      histogram: null,
      imbalance: null,
    })),
  }
}

/** All types that tables had. */
const FIRST_KINDS: Readonly<Record<string, ColumnKind>> = {
  BIGINT: 'integer',
  DOUBLE: 'number',
  VARCHAR: 'string',
  BOOLEAN: 'boolean',
  DATE: 'date',
  TIMESTAMP: 'timestamp',
}
