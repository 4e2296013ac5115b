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

/** The same for an expression over one row alone: other rows have no part in what it gives. */
export async function rowExpressionProblem(db: DuckDb, sql: string): Promise<string | null> {
  const parsed = await parse(db, sql)
  if ('problem' in parsed) return parsed.problem
  const classes = classesIn(parsed.expression)
  if (classes.has('WINDOW')) return 'It must not look at other rows, as a window function (OVER) does.'
  return classes.has('SUBQUERY') ? 'It must not look at other rows, as a subquery does.' : null
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

/** The classes of all nodes of an expression, as DuckDB serializes them. */
function classesIn(node: unknown, found = new Set<string>()): Set<string> {
  if (typeof node !== 'object' || node === null) return found
  const { class: own } = node as { class?: unknown }
  if (typeof own === 'string') found.add(own)
  for (const child of Object.values(node)) classesIn(child, found)
  return found
}
