import type { DuckDBDataChunk } from '@duckdb/node-api'
import type { Column } from '../../contracts/rest/datasets.js'
import { MlforgeError } from '../../domain/errors.js'
import type { Session } from './session.js'
import { explained, name, text } from './sql.js'
import { Batch, type Value, valuesOf } from './values.js'

/** Which part of a dataset is read: in the order of its rows. */
export interface ReadOptions {
  /** All where left out. */
  readonly columns?: readonly string[]
  /** A condition of SQL over the columns, as DuckDB reads it: `hr > 6 AND weathersit = 1`. */
  readonly where?: string
  readonly limit?: number
}

/** Rows of a session. */
export interface View {
  /** A SELECT of all columns, in the order of rows. */
  readonly sql: string
  readonly schema: readonly Column[]
  readonly rows: number
}

export interface Selected {
  readonly columns: readonly Column[]
  readonly chunks: AsyncGenerator<DuckDBDataChunk>
}

/**
 * Begins to read a view.
 * @throws MlforgeError unknown_column, query_invalid, invalid_request
 */
export async function select(session: Session, view: View, options: ReadOptions): Promise<Selected> {
  const columns = options.columns
    ? await columnsOf(session, view, [...new Set(options.columns)])
    : [...view.schema]
  const { where, limit } = options
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0)) {
    throw new MlforgeError('invalid_request', `limit is ${limit}: give a number of rows, 0 or more.`)
  }
  if (where !== undefined) await assertPredicate(session, where)
  const sql = [
    `SELECT ${columns.map(column => name(column.name)).join(', ')} FROM (${view.sql})`,
    // A comment at its end would hide the bracket.
    ...(where === undefined ? [] : [`WHERE (\n${where}\n)`]),
    ...(limit === undefined ? [] : [`LIMIT ${limit}`]),
  ].join(' ')
  return { columns, chunks: chunksOf(session, sql, where === undefined ? 'The table' : 'where') }
}

/** The same in batches of `size` rows; the last one may have fewer. */
export async function* batches({ columns, chunks }: Selected, size: number): AsyncGenerator<Batch> {
  if (!Number.isSafeInteger(size) || size < 1) {
    throw new MlforgeError('invalid_request', `size is ${size}: give a number of rows, 1 or more.`)
  }
  const types = columns.map(({ type }) => type)
  let [held, offset] = [columns.map((): Value[] => []), 0]
  const take = (rows: number): Batch => {
    const taken = held.map(values => values.slice(0, rows))
    held = held.map(values => values.slice(rows))
    const batch = new Batch(offset, rows, Object.fromEntries(columns.map((c, i) => [c.name, taken[i]!])))
    offset += rows
    return batch
  }
  for await (const chunk of chunks) {
    const values = valuesOf(chunk, types)
    held.forEach((column, i) => append(column, values[i]!))
    while (held[0]!.length >= size) yield take(size)
  }
  if (held[0]!.length > 0) yield take(held[0]!.length)
}

/** All values by column. */
export async function columnsFrom({ columns, chunks }: Selected): Promise<Record<string, Value[]>> {
  const types = columns.map(({ type }) => type)
  const all = columns.map((): Value[] => [])
  for await (const chunk of chunks) {
    const values = valuesOf(chunk, types)
    all.forEach((column, i) => append(column, values[i]!))
  }
  return Object.fromEntries(columns.map((column, i) => [column.name, all[i]!]))
}

/** The columns of these names. @throws MlforgeError unknown_column, invalid_request */
export async function columnsOf(
  session: Session,
  { schema }: View,
  names: readonly string[],
): Promise<Column[]> {
  if (names.length === 0) throw new MlforgeError('invalid_request', 'columns is empty: name one or more.')
  const known = new Map(schema.map(column => [column.name, column]))
  const unknown = names.filter(each => !known.has(each))
  if (unknown.length === 0) return names.map(each => known.get(each)!)
  const problems = []
  for (const each of unknown) {
    problems.push({ at: each, message: `is no column.${await nearest(session, each, [...known.keys()])}` })
  }
  throw new MlforgeError(
    'unknown_column',
    `There is no column "${unknown[0]}".${problems[0]!.message.slice('is no column.'.length)} There are: ${[...known.keys()].join(', ')}.`,
    { problems },
  )
}

async function nearest(session: Session, wrong: string, known: readonly string[]): Promise<string> {
  const distance = `damerau_levenshtein(lower(known), lower(${text(wrong)}))`
  const [found] = await session.query(
    `SELECT known FROM (SELECT unnest([${known.map(text).join(', ')}]) AS known)
     WHERE ${distance} <= greatest(1, ${Math.floor(wrong.length / 3)}) ORDER BY ${distance} LIMIT 1`,
  )
  return found ? ` Did you mean "${String(found['known'])}"?` : ''
}

interface Parsed {
  readonly error: boolean
  readonly error_message?: string
  readonly statements?: readonly { readonly node: Record<string, unknown> }[]
}

/** By DuckDB's own parser: one condition, and nothing behind it. */
async function assertPredicate(session: Session, where: string): Promise<void> {
  const invalid = (message: string): MlforgeError =>
    new MlforgeError(
      'query_invalid',
      `where cannot be run: ${message} Give one condition, such as hr > 6 AND cnt IS NOT NULL.`,
      { problems: [{ at: 'where', message }] },
    )
  if (where.includes('\0')) throw invalid('it holds a character that is none (NUL).')
  const parse = async (condition: string): Promise<Parsed> => {
    const sql = `SELECT 1 FROM t WHERE (\n${condition}\n)`
    const [row] = await session.query(`SELECT json_serialize_sql(${text(sql)}) AS parsed`)
    return JSON.parse(row!['parsed'] as string) as Parsed
  }
  const around = ({ statements = [] }: Parsed): string =>
    JSON.stringify(statements.map(({ node }) => ({ ...node, where_clause: null })))
  const parsed = await parse(where)
  if (parsed.error) throw invalid(`${parsed.error_message ?? 'it cannot be parsed'}.`)
  if (around(parsed) !== around(await parse('TRUE'))) throw invalid('it is more than a condition.')
}

async function* chunksOf(session: Session, sql: string, what: string): AsyncGenerator<DuckDBDataChunk> {
  try {
    yield* session.stream(sql)
  } catch (error) {
    throw explained(error, what)
  }
}

/** A spread of many values overflows the stack. */
function append(to: Value[], values: readonly Value[]): void {
  for (const value of values) to.push(value)
}
