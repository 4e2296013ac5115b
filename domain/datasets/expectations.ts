import { MlforgeError, type Problem } from '../errors.js'
import { didYouMean } from '../suggest.js'
import { aType, type Column, type ColumnType } from './schema.js'

/** An error refuses the version; a warning is recorded with it. */
export type Severity = 'error' | 'warning'

type Bound = number | string

export interface RowCount {
  readonly kind: 'row_count'
  readonly min?: number
  readonly max?: number
}
export interface NotNull {
  readonly kind: 'not_null'
  readonly column: string
  /** Share of rows that may be missing, 0 to 1. Default 0. */
  readonly maxFraction?: number
}
/** Missing values are not judged; NaN is outside every range. Dates are bounded by ISO 8601 text. */
export interface Range {
  readonly kind: 'range'
  readonly column: string
  readonly min?: Bound
  readonly max?: Bound
  readonly exclusiveMin?: Bound
  readonly exclusiveMax?: Bound
}
export interface InSet {
  readonly kind: 'in_set'
  readonly column: string
  readonly values: readonly (string | number | boolean)[]
}
/** No two rows alike in all these columns; rows with a missing one are not judged. */
export interface Unique {
  readonly kind: 'unique'
  readonly columns: readonly string[]
}

export type Expectation = (RowCount | NotNull | Range | InSet | Unique) & { readonly severity: Severity }

export const EXPECTATION_KINDS = ['row_count', 'not_null', 'range', 'in_set', 'unique'] as const

const FIELDS: Record<Expectation['kind'], readonly string[]> = {
  row_count: ['min', 'max'],
  not_null: ['column', 'maxFraction'],
  range: ['column', 'min', 'max', 'exclusiveMin', 'exclusiveMax'],
  in_set: ['column', 'values'],
  unique: ['columns'],
}

export interface FailingRow {
  /** Counted from 1 in the order of the file. */
  readonly row: number
  readonly values: Readonly<Record<string, unknown>>
}

/** A column whose type may only be known once the file has been read. */
export type KnownColumn = Pick<Column, 'name'> & { readonly type?: ColumnType }

/**
 * Typed expectations from what a request brought; `severity` is error when not given.
 * @throws MlforgeError invalid_request (unknown_column where nothing else is wrong) with all problems
 */
export function checkExpectations(input: unknown, schema: readonly KnownColumn[]): Expectation[] {
  if (!Array.isArray(input)) throw new MlforgeError('invalid_request', 'expectations must be a list.')
  const checks = input.map((item, i) => check(item, `expectations[${i}]`, schema))
  const problems = checks.flatMap(({ problems: found }) => found)
  if (problems.length > 0) {
    const code = problems.every(problem => problem.unknownColumn) ? 'unknown_column' : 'invalid_request'
    const [first] = problems
    throw new MlforgeError(code, `${first!.at}: ${first!.message}`, {
      problems: problems.map(({ at, message }) => ({ at, message })),
    })
  }
  return checks.map(({ expectation }) => expectation)
}

interface Found extends Problem {
  readonly unknownColumn?: boolean
}

function check(
  item: unknown,
  at: string,
  schema: readonly KnownColumn[],
): { expectation: Expectation; problems: Found[] } {
  const problems: Found[] = []
  const say = (field: string, message: string): void =>
    void problems.push({ at: field ? `${at}.${field}` : at, message })
  const fields = (typeof item === 'object' && item !== null ? item : {}) as Record<string, unknown>
  const kind = fields['kind'] as Expectation['kind']
  if (!EXPECTATION_KINDS.includes(kind)) {
    say(
      'kind',
      `"${String(kind)}" is no expectation.${didYouMean(String(kind), EXPECTATION_KINDS)} Known: ${EXPECTATION_KINDS.join(', ')}.`,
    )
    return { expectation: fields as unknown as Expectation, problems }
  }
  const allowed = ['kind', 'severity', ...FIELDS[kind]]
  for (const name of Object.keys(fields)) {
    if (!allowed.includes(name)) say(name, `is not a field of ${kind}.${didYouMean(name, allowed)}`)
  }
  const { severity = 'error' } = fields
  if (severity !== 'error' && severity !== 'warning') say('severity', 'must be error or warning.')
  const columnNamed = (name: unknown, field: string): KnownColumn | undefined => {
    const column = schema.find(known => known.name === name)
    if (column !== undefined) return column
    const names = schema.map(known => known.name)
    const message = `there is no column "${String(name)}".${didYouMean(String(name), names)}`
    problems.push({ at: `${at}.${field}`, message, unknownColumn: true })
    return undefined
  }
  const given = (name: string): boolean => fields[name] !== undefined

  switch (kind) {
    case 'row_count': {
      for (const name of ['min', 'max']) {
        const value = fields[name]
        if (given(name) && !(Number.isSafeInteger(value) && (value as number) >= 0))
          say(name, 'must be a whole number, 0 or more.')
      }
      if (!given('min') && !given('max')) say('', 'needs min or max.')
      else if ((fields['min'] as number) > (fields['max'] as number)) say('max', 'is below min.')
      break
    }
    case 'not_null': {
      columnNamed(fields['column'], 'column')
      const share = fields['maxFraction']
      if (given('maxFraction') && !(typeof share === 'number' && share >= 0 && share <= 1))
        say('maxFraction', 'must be 0 to 1.')
      break
    }
    case 'range': {
      const column = columnNamed(fields['column'], 'column')
      const bounds = ['min', 'max', 'exclusiveMin', 'exclusiveMax'].filter(given)
      if (bounds.length === 0) say('', 'needs at least one of min, max, exclusiveMin, exclusiveMax.')
      for (const bound of column ? bounds : []) {
        const wrong = boundProblem(column!, fields[bound])
        if (wrong !== undefined) say(bound, wrong)
      }
      break
    }
    case 'in_set': {
      const column = columnNamed(fields['column'], 'column')
      const values = fields['values']
      if (!Array.isArray(values) || values.length === 0)
        say('values', 'must be a list of at least one value.')
      else if (column)
        values.forEach((value, i) => {
          const wrong = valueProblem(column, value)
          if (wrong !== undefined) say(`values[${i}]`, wrong)
        })
      break
    }
    case 'unique': {
      const columns = fields['columns']
      if (!Array.isArray(columns) || columns.length === 0)
        say('columns', 'must be a list of at least one column.')
      else columns.forEach((name, i) => columnNamed(name, `columns[${i}]`))
    }
  }
  return { expectation: { ...fields, severity } as unknown as Expectation, problems }
}

function boundProblem(column: KnownColumn, value: unknown): string | undefined {
  if (column.type === 'string' || column.type === 'boolean')
    return `${aType(column.type)} has no range; use in_set.`
  return valueProblem(column, value)
}

/** Why a value cannot stand in a column of this type, or undefined when it can, or the type is not known. */
export function valueProblem({ name, type }: KnownColumn, value: unknown): string | undefined {
  if (type === undefined) return undefined
  const fits =
    type === 'integer' || type === 'number'
      ? Number.isFinite(value)
      : type === 'boolean'
        ? typeof value === 'boolean'
        : type === 'string'
          ? typeof value === 'string'
          : typeof value === 'string' && ISO.test(value) && !Number.isNaN(Date.parse(value.slice(0, 10)))
  const form = type === 'date' || type === 'timestamp' ? `${aType(type)} as ISO 8601 text` : aType(type)
  return fits ? undefined : `must be ${form}, as ${name} is.`
}

const ISO = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?$/

/** One line that says what was expected, for people. */
export function describeExpectation(expectation: Expectation): string {
  switch (expectation.kind) {
    case 'row_count':
      return `${expectation.min ?? 0} to ${expectation.max ?? 'any number of'} rows`
    case 'not_null': {
      const { column, maxFraction = 0 } = expectation
      return maxFraction === 0
        ? `${column} never missing`
        : `${column} missing in at most ${maxFraction} of rows`
    }
    case 'range': {
      const { column, min, max, exclusiveMin, exclusiveMax } = expectation
      const parts = [
        [min, '>='],
        [exclusiveMin, '>'],
        [max, '<='],
        [exclusiveMax, '<'],
      ] as const
      return parts
        .flatMap(([bound, sign]) => (bound === undefined ? [] : [`${column} ${sign} ${bound}`]))
        .join(' and ')
    }
    case 'in_set':
      return `${expectation.column} one of ${expectation.values.join(', ')}`
    case 'unique':
      return `(${expectation.columns.join(', ')}) unique`
  }
}
