import type { DateFormat, FormatFit } from './date-formats.js'
import { ambiguous } from './date-formats.js'
import { MlforgeError } from '../errors.js'
import type { Column, DeclaredColumn } from './schema.js'

/** How many values of a column read as what, over all its rows. */
export interface Evidence {
  readonly values: number
  readonly nulls: number
  readonly integer: number
  readonly number: number
  readonly boolean: number
  /** Values such as 007: a code, whose zeros a number would lose. */
  readonly leadingZero: number
  /** Whole numbers that a 64-bit integer cannot hold. */
  readonly tooLarge: number
  /** Only for columns that are neither numbers nor booleans. */
  readonly dates: readonly FormatFit[]
  /** A value that the first two of `dates` with all values read differently, else any value. */
  readonly witness: string | null
}

export interface ProposedColumn extends Column {
  /** `file`: the type that the file gives it. */
  readonly origin: 'declared' | 'inferred' | 'file'
  readonly evidence: Evidence
}

/**
 * From this share of fitting values on, the others are taken for errors, and refused by the
 * conversion row by row, instead of making the whole column text in silence.
 */
const NEARLY_ALL = 0.9

/**
 * The type of a column: what is declared, else what all values fit, else what nearly all fit.
 * @throws MlforgeError date_format_ambiguous; value_not_of_type for a declared date no format fits
 */
export function proposeColumn(
  name: string,
  evidence: Evidence,
  declared: DeclaredColumn = {},
): ProposedColumn {
  const rest = { nullable: evidence.nulls > 0, evidence }
  const { type, format } = declared
  if (type === undefined) return { name, ...inferType(name, evidence), origin: 'inferred', ...rest }
  if (type !== 'date' && type !== 'timestamp') return { name, type, origin: 'declared', ...rest }
  if (format !== undefined) return { name, type, format, origin: 'declared', ...rest }
  const chosen = chooseFormat(name, evidence)
  if (chosen === undefined || (chosen.type === 'timestamp' && type === 'date')) {
    throw new MlforgeError(
      'value_not_of_type',
      `Column ${name} is declared ${type}, but no known format reads its values, such as ${JSON.stringify(evidence.witness)}; declare columns.${name}.format (strptime).`,
      { column: name, value: evidence.witness },
    )
  }
  return { name, type, format: chosen.format, origin: 'declared', ...rest }
}

function inferType(name: string, evidence: Evidence): Pick<Column, 'type' | 'format'> {
  const { values, leadingZero, tooLarge } = evidence
  if (values === 0) return { type: 'string' }
  for (const enough of [values, NEARLY_ALL * values]) {
    if (leadingZero === 0 && tooLarge === 0) {
      if (evidence.integer >= enough) return { type: 'integer' }
      if (evidence.number >= enough)
        return { type: evidence.integer === evidence.number ? 'integer' : 'number' }
    }
    if (evidence.boolean >= enough) return { type: 'boolean' }
    const format = chooseFormat(name, evidence, enough)
    if (format !== undefined) return format
  }
  return { type: 'string' }
}

function chooseFormat(
  name: string,
  { values, dates, witness }: Evidence,
  enough = NEARLY_ALL * values,
): DateFormat | undefined {
  const whole = dates.filter(({ fits }) => fits === values && values > 0)
  if (whole.length > 1) throw ambiguous(name, whole, witness!)
  const best = whole[0] ?? [...dates].sort((a, b) => b.fits - a.fits)[0]
  if (best === undefined || best.fits < enough) return undefined
  return { format: best.format, type: best.type }
}
