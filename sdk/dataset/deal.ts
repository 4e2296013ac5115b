import { MlforgeError } from '../../domain/errors.js'
import { columnsOf, type View } from './read.js'
import type { Session } from './session.js'
import { name, text } from './sql.js'

/** Together all rows, and none in both. */
export interface Pair<T> {
  readonly train: T
  readonly test: T
}

export interface Dealing {
  readonly seed: number
  /** Column whose values are dealt each by itself. */
  readonly stratify: string | undefined
  readonly parts: number
  /** Rows of each part out of a stratum: of how many rows strata before it have, and of its own. */
  sizes(before: number, rows: number): number[]
}

const MAX_STRATA = 10_000
// No column of a table is called so.
const POSITION = '"the position"'
const HASH = '"the hash"'
const INSIDE = '"is inside"'

/**
 * Cuts the rows of each stratum into parts of given sizes, in the order of the MD5 of seed and position. A part of a
 * stratum is a range of hashes, so that nothing has to be sorted or kept where it is read.
 * @throws MlforgeError split_invalid, unknown_column
 */
export async function deal(session: Session, view: View, dealing: Dealing): Promise<Pair<View>[]> {
  const { seed, stratify, parts } = dealing
  if (!Number.isSafeInteger(seed)) throw invalid('seed', `is ${seed}: give a whole number`)
  if (stratify !== undefined) await columnsOf(session, view, [stratify])
  const stratum = stratify === undefined ? null : name(stratify)
  const hashed = `SELECT *, md5('${seed}:' || ${POSITION}) AS ${HASH}
    FROM (SELECT *, row_number() OVER () - 1 AS ${POSITION} FROM (${view.sql}))`
  const strata = await strataOf(session, view, stratum)
  if (strata.rows.length > MAX_STRATA) {
    throw invalid('stratify', `"${stratify}" has more than ${MAX_STRATA} values`)
  }
  const { takes, totals } = taken(strata.rows, dealing)
  const cuts = await findCuts(session, hashed, stratum, strata.table, takes)
  const bounds = stratum === null ? await session.query(`SELECT part, h0, h1 FROM ${cuts}`) : []
  const columns = view.schema.map(column => name(column.name)).join(', ')
  return Array.from({ length: parts }, (_, part) => {
    const bound = bounds.find(each => each['part'] === part)
    const from =
      stratum === null
        ? `SELECT *, ${bound ? between(text(String(bound['h0'])), text(String(bound['h1']))) : 'FALSE'} AS ${INSIDE}
           FROM (${hashed})`
        : `SELECT a.*, coalesce(${between('c.h0', 'c.h1')}, FALSE) AS ${INSIDE} FROM (${hashed}) a
           LEFT JOIN (SELECT * FROM ${cuts} WHERE part = ${part}) c ON a.${stratum} IS NOT DISTINCT FROM c.stratum
           ORDER BY ${POSITION}`
    const half = (condition: string, rows: number): View => ({
      ...view,
      rows,
      sql: `SELECT ${columns} FROM (${from}) WHERE ${condition}`,
    })
    const rows = totals[part]!
    return { train: half(`NOT ${INSIDE}`, view.rows - rows), test: half(INSIDE, rows) }
  })
}

/** Makes a table of the values that are dealt each by itself, numbered. Tells how many rows each has. */
async function strataOf(
  session: Session,
  view: View,
  stratum: string | null,
): Promise<{ table: string; rows: number[] }> {
  const table = name(session.freshName('strata'))
  await session.run(`CREATE TABLE ${table} AS
    SELECT stratum, n, row_number() OVER (ORDER BY stratum NULLS LAST) - 1 AS id
    FROM (SELECT ${stratum ?? '0'} AS stratum, count(*) AS n FROM (${view.sql}) GROUP BY ALL)`)
  const found = await session.query(`SELECT n FROM ${table} ORDER BY id LIMIT ${MAX_STRATA + 1}`)
  return { table, rows: found.map(each => Number(each['n'])) }
}

interface Take {
  readonly id: number
  readonly part: number
  /** Ranks within the stratum, from 1. */
  readonly first: number
  readonly last: number
}

function taken(strata: readonly number[], { parts, sizes }: Dealing): { takes: Take[]; totals: number[] } {
  const takes: Take[] = []
  const totals = Array.from({ length: parts }, () => 0)
  let before = 0
  for (const [id, rows] of strata.entries()) {
    let first = 1
    for (const [part, size] of sizes(before, rows).entries()) {
      if (size > 0) takes.push({ id, part, first, last: first + size - 1 })
      totals[part]! += size
      first += size
    }
    before += rows
  }
  return { takes, totals }
}

/** Makes a table of the first and last hash of each take: of all rows only those are sorted that begin as an end does. */
async function findCuts(
  session: Session,
  hashed: string,
  stratum: string | null,
  strata: string,
  takes: readonly Take[],
): Promise<string> {
  const cuts = name(session.freshName('cuts'))
  const of = stratum === null ? '' : `JOIN ${strata} s ON a.${stratum} IS NOT DISTINCT FROM s.stratum`
  const values = takes.map(({ id, part, first, last }) => `(${id}, ${part}, ${first}, ${last})`)
  await session.run(`CREATE TABLE ${cuts} AS
    WITH takes(id, part, first, last) AS (${values.length > 0 ? `VALUES ${values.join(', ')}` : 'SELECT 0, 0, 0, 0 WHERE FALSE'}),
    hashes AS NOT MATERIALIZED (SELECT ${stratum === null ? '0' : 's.id'} AS id, a.${HASH} AS h FROM (${hashed}) a ${of}),
    counts AS (SELECT id, left(h, 4) AS beginning, count(*) AS n FROM hashes GROUP BY ALL),
    sums AS (SELECT *, sum(n) OVER (PARTITION BY id ORDER BY beginning) AS upto FROM counts),
    ends AS (SELECT DISTINCT id, beginning, upto - n AS below FROM sums JOIN takes USING (id)
      WHERE (first > upto - n AND first <= upto) OR (last > upto - n AND last <= upto)),
    ranked AS (SELECT e.id, h, below + row_number() OVER (PARTITION BY e.id, e.beginning ORDER BY h) AS r
      FROM hashes JOIN ends e ON hashes.id = e.id AND left(h, 4) = e.beginning)
    SELECT s.stratum, part, max(h) FILTER (r = first) AS h0, max(h) FILTER (r = last) AS h1
    FROM ranked JOIN takes USING (id) JOIN ${strata} s USING (id) WHERE r IN (first, last) GROUP BY ALL`)
  return cuts
}

/** Looked at once: the hash is what costs time. */
function between(first: string, last: string): string {
  return `(${HASH} BETWEEN ${first} AND ${last})`
}

export function invalid(at: string, message: string): MlforgeError {
  return new MlforgeError('split_invalid', `${at} ${message}.`, { problems: [{ at, message }] })
}
