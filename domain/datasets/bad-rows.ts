import { MlforgeError, type Problem } from '../errors.js'

/** Rows that cannot be read are put aside, up to a number and a share of all rows; null: no bound. */
export interface BadRows {
  readonly maxRows: number | null
  /** 0 to 1. */
  readonly maxShare: number | null
}

/** As inference has it: past this share of misfits the type is wrong, rather than the rows. */
const DEFAULT_MAX_SHARE = 0.1

/** Name of the artifact with the rows that were put aside. */
export const QUARANTINE_FILE = 'quarantine.jsonl'

/** A value that is not of the type of its column. */
export interface WrongValue {
  readonly column: string
  readonly code: 'value_not_of_type'
  /** The first 200 characters. */
  readonly value: string
  readonly expected: string
}

/** A row that has another number of fields than there are columns. */
export interface WrongLength {
  readonly code: 'row_ragged'
  readonly fields: number
  readonly expected: number
}

/** A row that was put aside, as one line of the quarantine has it. */
export interface QuarantinedRow {
  /** Number in the file, from 1. */
  readonly row: number
  /** Line of the file on which it begins, from 1; null where the format has none. */
  readonly line: number | null
  readonly problems: readonly (WrongValue | WrongLength)[]
  /** As it stands in the file, without its line ending; of formats without lines as JSON. */
  readonly raw: string
}

/** The policy of a request: a bound that is not given does not hold, unless none is. */
export function badRowsOf(given: {
  maxBadRows?: number | undefined
  maxBadShare?: number | undefined
}): BadRows {
  const { maxBadRows: maxRows = null, maxBadShare = null } = given
  return { maxRows, maxShare: maxRows === null && maxBadShare === null ? DEFAULT_MAX_SHARE : maxBadShare }
}

/**
 * Whether so many rows may be put aside.
 * @param listed the first of the wrong values
 * @throws MlforgeError too_many_bad_rows with the counts
 */
export function assertFewBadRows(
  { maxRows, maxShare }: BadRows,
  counts: { readonly badRows: number; readonly rows: number },
  listed: readonly Problem[],
): void {
  const { badRows, rows } = counts
  const bounds = [
    ...(maxRows !== null && badRows > maxRows ? [`at most ${maxRows} rows`] : []),
    ...(maxShare !== null && badRows > maxShare * rows ? [`at most ${maxShare} of all rows`] : []),
    ...(badRows === rows ? ['not all rows'] : []),
  ]
  if (bounds.length === 0) return
  const [first] = listed
  throw new MlforgeError(
    'too_many_bad_rows',
    `${badRows} of ${rows} rows cannot be read; ${bounds.join(' and ')} may be put aside. The first is ${first!.at}: ${first!.message}. Correct the rows, declare other types, or raise maxBadRows or maxBadShare.`,
    { problems: listed, badRows, rows, maxBadRows: maxRows, maxBadShare: maxShare },
  )
}
