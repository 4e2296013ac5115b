import { MlforgeError, type Problem } from '../errors.js'
import { didYouMean } from '../suggest.js'
import { formatProblem, typeOfFormat } from './date-formats.js'

export const COLUMN_TYPES = ['integer', 'number', 'string', 'boolean', 'date', 'timestamp'] as const

export type ColumnType = (typeof COLUMN_TYPES)[number]

/** A type with its article, as messages have it. */
export function aType(type: string): string {
  return type === 'integer' ? `an ${type}` : `a ${type}`
}

export interface Column {
  readonly name: string
  readonly type: ColumnType
  /** How dates and timestamps are written in the CSV (strptime); only they have one. */
  readonly format?: string
  readonly nullable: boolean
}

export type Schema = readonly Column[]

/** What a user says about a column; the rest is inferred. A format alone implies its type. */
export interface DeclaredColumn {
  readonly type?: ColumnType
  readonly format?: string
}

export type DeclaredColumns = Readonly<Record<string, DeclaredColumn>>

/**
 * The declarations with their types filled in from formats.
 * @throws MlforgeError unknown_column when a declared column is not in the header, invalid_request for
 * types and formats that cannot be; both with all problems
 */
export function checkDeclared(declared: DeclaredColumns, header: readonly string[]): DeclaredColumns {
  const unknown = Object.keys(declared).filter(name => !header.includes(name))
  if (unknown.length > 0) {
    const problems = unknown.map(name => ({
      at: `columns.${name}`,
      message: `The file has no column "${name}".${didYouMean(name, header)}`,
    }))
    throw new MlforgeError('unknown_column', `${problems[0]!.message} It has: ${header.join(', ')}.`, {
      problems,
    })
  }
  const problems: Problem[] = []
  const checked: Record<string, DeclaredColumn> = {}
  for (const [name, { type, format }] of Object.entries(declared)) {
    const wrong = declarationProblem(type, format)
    if (wrong !== undefined) problems.push({ at: `columns.${name}`, message: wrong })
    const implied = type ?? (format === undefined ? undefined : typeOfFormat(format))
    checked[name] = { ...(implied && { type: implied }), ...(format !== undefined && { format }) }
  }
  if (problems.length > 0) {
    throw new MlforgeError('invalid_request', `${problems[0]!.at}: ${problems[0]!.message}`, { problems })
  }
  return checked
}

function declarationProblem(type: ColumnType | undefined, format: string | undefined): string | undefined {
  if (type !== undefined && !COLUMN_TYPES.includes(type)) {
    return `"${String(type)}" is not a type.${didYouMean(String(type), COLUMN_TYPES)} Types are ${COLUMN_TYPES.join(', ')}.`
  }
  if (format === undefined) return undefined
  if (type !== undefined && type !== 'date' && type !== 'timestamp') {
    return `a ${type} has no format; only date and timestamp have.`
  }
  return formatProblem(format)
}
