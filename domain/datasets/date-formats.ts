import { MlforgeError } from '../errors.js'

export interface DateFormat {
  /** As strptime of C and Python writes it. */
  readonly format: string
  readonly type: 'date' | 'timestamp'
}

const DATES = [
  ...['%Y-%m-%d', '%Y/%m/%d', '%m/%d/%Y', '%d/%m/%Y', '%d.%m.%Y', '%m-%d-%Y', '%d-%m-%Y'],
  ...['%m/%d/%y', '%d/%m/%y', '%d.%m.%y'],
]
const TIMES = [' %H:%M', ' %H:%M:%S', ' %H:%M:%S.%f', ' %I:%M %p', ' %I:%M:%S %p']
const ISO_TIMES = ['T%H:%M', 'T%H:%M:%S', 'T%H:%M:%S.%f', 'T%H:%M:%SZ', 'T%H:%M:%S.%fZ']

/** The formats that are tried when none is declared. No two of them read every value alike. */
export const DATE_FORMATS: readonly DateFormat[] = [
  ...DATES.map(format => ({ format, type: 'date' as const })),
  ...DATES.flatMap(date => TIMES.map(time => ({ format: date + time, type: 'timestamp' as const }))),
  ...ISO_TIMES.map(time => ({ format: `%Y-%m-%d${time}`, type: 'timestamp' as const })),
]

const SPECIFIERS: Readonly<Record<string, string>> = {
  '%Y': '(?<Y>[0-9]{4})',
  '%y': '(?<y>[0-9]{2})',
  '%m': '(?<m>[0-9]{1,2})',
  '%d': '(?<d>[0-9]{1,2})',
  '%H': '(?<H>[0-9]{1,2})',
  '%I': '(?<I>[0-9]{1,2})',
  '%M': '(?<M>[0-9]{1,2})',
  '%S': '(?<S>[0-9]{1,2})',
  '%f': '(?<f>[0-9]{1,6})',
  '%p': '(?<p>[AaPp][Mm])',
}

/** Specifiers of strptime that may be declared beyond those that are tried. */
const DECLARABLE = [...Object.keys(SPECIFIERS), '%b', '%B', '%j', '%a', '%A', '%z', '%%']

/** Why this cannot be the format of a date or timestamp, or undefined when it can. */
export function formatProblem(format: string): string | undefined {
  const found: readonly string[] = format.match(/%-?./g) ?? []
  const unknown = found.find(specifier => !DECLARABLE.includes(specifier))
  if (unknown !== undefined) return `${unknown} in "${format}" is not one of ${DECLARABLE.join(' ')}.`
  const has = (...specifiers: string[]): boolean => specifiers.some(specifier => found.includes(specifier))
  if (!has('%Y', '%y')) return `"${format}" has no year (%Y or %y).`
  if (!has('%j') && !(has('%m', '%b', '%B') && has('%d')))
    return `"${format}" lacks the month (%m, %b) or day (%d).`
  return undefined
}

export function typeOfFormat(format: string): 'date' | 'timestamp' {
  return /%[HI]/.test(format) ? 'timestamp' : 'date'
}

const compiled = new Map<string, RegExp>()

function pattern(format: string): RegExp {
  let known = compiled.get(format)
  if (known === undefined) {
    const source = format.replace(
      /%.|[^%]/g,
      part => SPECIFIERS[part] ?? part.replace(/[.*+?^${}()|[\]\\]/, '\\$&'),
    )
    known = new RegExp(`^${source}$`)
    compiled.set(format, known)
  }
  return known
}

/**
 * What a value means in one of DATE_FORMATS: `2012-01-02`, or `2012-01-02T13:05:00.5`; null where it
 * does not fit or is no day of the calendar. Two-digit years: 69-99 are 19xx, 00-68 are 20xx (POSIX).
 */
export function readDate(value: string, format: string): string | null {
  const groups = pattern(format).exec(value.trim())?.groups
  if (groups === undefined) return null
  const part = (name: string): number => Number(groups[name] ?? 0)
  const short = part('y')
  const year = groups['Y'] !== undefined ? part('Y') : short + (short < 69 ? 2000 : 1900)
  const [month, day] = [part('m'), part('d')]
  if (year < 1000 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return null
  const date = `${year}-${two(month)}-${two(day)}`
  if (typeOfFormat(format) === 'date') return date
  let hour = part('H')
  if (groups['I'] !== undefined) {
    if (part('I') < 1 || part('I') > 12) return null
    hour = (part('I') % 12) + (groups['p']!.toLowerCase() === 'pm' ? 12 : 0)
  }
  if (hour > 23 || part('M') > 59 || part('S') > 59) return null
  const fraction = (groups['f'] ?? '').replace(/0+$/, '')
  return `${date}T${two(hour)}:${two(part('M'))}:${two(part('S'))}${fraction && `.${fraction}`}`
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

/** The formats worth counting over a whole column: those that read at least half of these values. */
export function candidateFormats(sample: readonly string[]): DateFormat[] {
  if (sample.length === 0) return []
  return DATE_FORMATS.filter(
    ({ format }) => 2 * sample.filter(value => readDate(value, format) !== null).length >= sample.length,
  )
}

/** A format, and how many of a column's values it reads. */
export interface FormatFit extends DateFormat {
  readonly fits: number
}

/**
 * The refusal of a column that two formats read from its first to its last value.
 * `witness` is a value of the column, one that they read differently where there is such.
 */
export function ambiguous(column: string, formats: readonly DateFormat[], witness: string): MlforgeError {
  const readings = formats.map(({ format }) => ({ format, reading: readDate(witness, format) }))
  const [first, second] = readings
  const declare = `declare columns.${column}.format, for example "${first!.format}"`
  const message =
    first!.reading === second!.reading
      ? `${witness} reads the same as ${first!.format} and ${second!.format}, but later values will not; ${declare}.`
      : `${witness} is ${first!.reading} as ${first!.format} and ${second!.reading} as ${second!.format}; ${declare}.`
  return new MlforgeError('date_format_ambiguous', `Column ${column}: ${message}`, {
    column,
    value: witness,
    readings,
  })
}
