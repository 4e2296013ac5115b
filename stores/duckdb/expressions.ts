import { type DuckDb, text } from './duckdb.js'

interface Select {
  readonly type: string
  readonly select_list?: readonly unknown[]
  readonly from_table?: { readonly type: string }
  readonly where_clause?: unknown
  readonly modifiers?: readonly unknown[]
}

type Parsed = { readonly problem: string } | { readonly expression: unknown }

/** By DuckDB's own parser: in the place of an expression there must be one, and nothing beside it. */
export async function expressionProblem(db: DuckDb, sql: string): Promise<string | null> {
  const parsed = await parse(db, sql)
  return 'problem' in parsed ? parsed.problem : null
}

/** The same for an expression over one row alone: neither other rows nor the moment have a part in what it gives. */
export async function rowExpressionProblem(db: DuckDb, sql: string): Promise<string | null> {
  const parsed = await parse(db, sql)
  if ('problem' in parsed) return parsed.problem
  const nodes = [...nodesIn(parsed.expression)]
  const has = (wanted: string) => nodes.some(node => node['class'] === wanted)
  if (has('WINDOW')) return 'It must not look at other rows, as a window function (OVER) does.'
  if (has('SUBQUERY')) return 'It must not look at other rows, as a subquery does.'
  const changing = nodes.map(momentOf).find(name => name !== null) ?? (await changingFunction(db, nodes))
  return changing === null ? null : `It must give the same for the same row, and ${changing} does not.`
}

type Node = Readonly<Record<string, unknown>>

/** What SQL has for the time without parentheses looks like a column until it is bound. */
const MOMENTS = ['current_date', 'current_time', 'current_timestamp', 'localtime', 'localtimestamp']

function momentOf(node: Node): string | null {
  const names = node['class'] === 'COLUMN_REF' ? node['column_names'] : null
  if (!Array.isArray(names) || names.length !== 1) return null
  const name = String(names[0]).toLowerCase()
  return MOMENTS.includes(name) ? name : null
}

/** A function that gives something else the next time, by chance or by the time; null where there is none. */
async function changingFunction(db: DuckDb, nodes: readonly Node[]): Promise<string | null> {
  const names = nodes.flatMap(({ function_name: name }) => (typeof name === 'string' ? [text(name)] : []))
  if (names.length === 0) return null
  const [row] = await db.query(`SELECT min(function_name) AS name FROM duckdb_functions()
    WHERE function_name IN (${names.join(', ')}) AND stability <> 'CONSISTENT'`)
  return row!['name'] === null ? null : `${String(row!['name'])}()`
}

async function parse(db: DuckDb, sql: string): Promise<Parsed> {
  const [row] = await db.query(`SELECT json_serialize_sql(${text(`SELECT (${sql}\n)`)}) AS parsed`)
  const parsed = JSON.parse(row!['parsed'] as string) as {
    readonly error: boolean
    readonly error_message?: string
    readonly statements?: readonly { readonly node: Select }[]
  }
  if (parsed.error) return { problem: parsed.error_message ?? 'It cannot be parsed.' }
  const [statement, ...more] = parsed.statements ?? []
  const node = statement?.node
  const isAlone =
    more.length === 0 &&
    node?.type === 'SELECT_NODE' &&
    node.select_list?.length === 1 &&
    node.from_table?.type === 'EMPTY' &&
    (node.where_clause ?? null) === null &&
    (node.modifiers ?? []).length === 0
  return isAlone ? { expression: node.select_list![0] } : { problem: 'It must be one expression of SQL.' }
}

/** All nodes of an expression, as DuckDB serializes them. */
function* nodesIn(node: unknown): Generator<Node> {
  if (typeof node !== 'object' || node === null) return
  yield node as Node
  for (const child of Object.values(node)) yield* nodesIn(child)
}
