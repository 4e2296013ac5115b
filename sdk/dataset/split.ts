import type { Column } from '../../contracts/rest/datasets.js'
import { MlforgeError } from '../../domain/errors.js'
import { columnsOf, type View } from './read.js'
import type { Session } from './session.js'
import { explained, name, text } from './sql.js'

export interface RandomSplit {
  /** Share of rows in the test part, between 0 and 1. */
  readonly test: number
  /** A whole number: the same one makes the same parts of the same rows. */
  readonly seed: number
  /** A column whose values both parts have in equal shares, to one row each. */
  readonly stratify?: string
}

export interface FoldSplit {
  /** How many, from 2 to 100. Each row is in the test part of one. */
  readonly folds: number
  readonly seed: number
  readonly stratify?: string
}

export interface TimeCut {
  /** A date, timestamp or number. */
  readonly column: string
  /** What is before is for training; this and later is for the test. Dates as ISO 8601 text. */
  readonly until: string | number | Date
}

export interface Pair<T> {
  readonly train: T
  readonly test: T
}

const MAX_FOLDS = 100
const MAX_STRATA = 10_000
const POSITION = '"the position"'
const HASH = '"the hash"'

/**
 * Puts rows into folds: those of each stratum in the order of a hash of position and seed (the MD5 of `seed:position`,
 * positions from 0), dealt one after the other, so that folds differ by one row at most.
 */
export async function intoFolds(
  session: Session,
  view: View,
  { folds, seed, stratify }: FoldSplit,
): Promise<Pair<View>[]> {
  if (!Number.isInteger(folds) || folds < 2 || folds > MAX_FOLDS) {
    throw invalid('folds', `is ${folds}: give a whole number from 2 to ${MAX_FOLDS}`)
  }
  return deal(session, view, seed, stratify, folds, (before, rows) =>
    Array.from(
      { length: folds },
      (_, fold) => countOf(before + rows, fold, folds) - countOf(before, fold, folds),
    ),
  )
}

/** Takes the test part by the same hash: as many rows as its share comes to, rounded. */
export async function atRandom(
  session: Session,
  view: View,
  { test, seed, stratify }: RandomSplit,
): Promise<Pair<View>> {
  if (!(test > 0 && test < 1)) throw invalid('test', `is ${test}: give a share between 0 and 1`)
  const [pair] = await deal(session, view, seed, stratify, 1, (before, rows) => [
    Math.round((before + rows) * test) - Math.round(before * test),
  ])
  return pair!
}

/** Cuts by the values of a column. @throws MlforgeError split_invalid where rows have none */
export async function byTime(session: Session, view: View, { column, until }: TimeCut): Promise<Pair<View>> {
  const [{ type }] = (await columnsOf(session, view, [column])) as [Column]
  const isTime = type === 'date' || type === 'timestamp'
  if (!isTime && type !== 'integer' && type !== 'number') {
    throw invalid('column', `"${column}" is ${type}: name a date, a timestamp or a number`)
  }
  const value = until instanceof Date ? until.toISOString().replace('Z', '') : until
  if (isTime !== (typeof value === 'string') || (typeof value === 'number' && !Number.isFinite(value))) {
    throw invalid('until', `is ${String(value)}, and "${column}" is ${type}`)
  }
  const bound = isTime ? `CAST(${text(String(value))} AS TIMESTAMP)` : String(value)
  const at = name(column)
  const [counts] = await session
    .query(
      `SELECT count(*) FILTER (${at} < ${bound}) AS "before", count(*) FILTER (${at} IS NULL) AS timeless
       FROM (${view.sql})`,
    )
    .catch((error: unknown) => {
      throw explained(error, 'until')
    })
  const [before, timeless] = [Number(counts!['before']), Number(counts!['timeless'])]
  if (timeless > 0) {
    throw invalid('column', `"${column}" is empty in ${timeless} rows, which are in neither part`)
  }
  const part = (condition: string, rows: number): View => ({
    ...view,
    rows,
    sql: `SELECT * FROM (${view.sql}) WHERE ${condition}`,
  })
  return inhabited(view, {
    train: part(`${at} < ${bound}`, before),
    test: part(`${at} >= ${bound}`, view.rows - before),
  })
}

/** How many of the numbers from 0 to below `end` are dealt to a fold. */
function countOf(end: number, fold: number, folds: number): number {
  return Math.floor((end - fold + folds - 1) / folds)
}

/**
 * @param sizes rows of each test part out of a stratum, of the rows that strata before it have and of its own
 */
async function deal(
  session: Session,
  view: View,
  seed: number,
  stratify: string | undefined,
  parts: number,
  sizes: (before: number, rows: number) => number[],
): Promise<Pair<View>[]> {
  if (!Number.isSafeInteger(seed)) throw invalid('seed', `is ${seed}: give a whole number`)
  if (stratify !== undefined) await columnsOf(session, view, [stratify])
  const stratum = stratify === undefined ? '0' : name(stratify)
  const hashed = `SELECT *, md5('${seed}:' || ${POSITION}) AS ${HASH}
    FROM (SELECT *, row_number() OVER () - 1 AS ${POSITION} FROM (${view.sql}))`
  const strata = name(session.freshName('strata'))
  await session.run(`CREATE TABLE ${strata} AS SELECT stratum, rows, row_number() OVER (ORDER BY stratum NULLS LAST) - 1 AS id
    FROM (SELECT ${stratum} AS stratum, count(*) AS rows FROM (${view.sql}) GROUP BY ALL)`)
  const counts = await session.query(`SELECT rows FROM ${strata} ORDER BY id LIMIT ${MAX_STRATA + 1}`)
  if (counts.length > MAX_STRATA) {
    throw invalid('stratify', `"${stratify}" has more than ${MAX_STRATA} values`)
  }
  const takes: string[] = []
  const totals = Array.from({ length: parts }, () => 0)
  let before = 0
  for (const [id, each] of counts.entries()) {
    const rows = Number(each['rows'])
    let first = 1
    for (const [part, size] of sizes(before, rows).entries()) {
      if (size > 0) takes.push(`(${id}, ${part}, ${first}, ${first + size - 1})`)
      totals[part]! += size
      first += size
    }
    before += rows
  }
  if (takes.length === 0) throw tooFew(view)
  // Each part of a stratum is a range of hashes: no row has to be sorted when it is read. And none but those that
  // begin as one of the ends does to find them.
  const cuts = name(session.freshName('cuts'))
  const identified =
    stratify === undefined
      ? `SELECT 0 AS id, ${HASH} AS h FROM (${hashed})`
      : `SELECT id, ${HASH} AS h FROM (${hashed}) a JOIN ${strata} s ON a.${stratum} IS NOT DISTINCT FROM s.stratum`
  await session.run(`CREATE TABLE ${cuts} AS
    WITH takes(id, part, first, last) AS (VALUES ${takes.join(', ')}),
    hashes AS NOT MATERIALIZED (${identified}),
    counts AS (SELECT id, left(h, 4) AS beginning, count(*) AS n FROM hashes GROUP BY ALL),
    sums AS (SELECT *, sum(n) OVER (PARTITION BY id ORDER BY beginning) AS upto FROM counts),
    ends AS (SELECT DISTINCT id, beginning, upto - n AS below FROM sums JOIN takes USING (id)
      WHERE (first > upto - n AND first <= upto) OR (last > upto - n AND last <= upto)),
    ranked AS (SELECT e.id, h, below + row_number() OVER (PARTITION BY e.id, beginning ORDER BY h) AS r
      FROM hashes JOIN ends e ON hashes.id = e.id AND left(h, 4) = beginning)
    SELECT s.stratum, part, max(h) FILTER (r = first) AS h0, max(h) FILTER (r = last) AS h1
    FROM ranked JOIN takes USING (id) JOIN ${strata} s USING (id) WHERE r IN (first, last) GROUP BY ALL`)
  const bounds = stratify === undefined ? await session.query(`SELECT * FROM ${cuts}`) : []
  return totals.map((rows, part) => {
    const cut = bounds.find(each => each['part'] === part)
    const from = cut
      ? `(SELECT *, ${between(text(String(cut['h0'])), text(String(cut['h1'])))} AS "inside" FROM (${hashed}))`
      : `(SELECT a.*, coalesce(${between('c.h0', 'c.h1')}, FALSE) AS "inside" FROM (${hashed}) a
         LEFT JOIN (SELECT * FROM ${cuts} WHERE part = ${part}) c ON a.${stratum} IS NOT DISTINCT FROM c.stratum
         ORDER BY ${POSITION})`
    const columns = view.schema.map(column => name(column.name)).join(', ')
    const half = (condition: string, count: number): View => ({
      ...view,
      rows: count,
      sql: `SELECT ${columns} FROM ${from} WHERE ${condition}`,
    })
    return inhabited(view, { train: half('NOT "inside"', view.rows - rows), test: half('"inside"', rows) })
  })
}

/** Looked at once: the hash is what costs time. */
function between(first: string, last: string): string {
  return `(${HASH} BETWEEN ${first} AND ${last})`
}

function inhabited(view: View, pair: Pair<View>): Pair<View> {
  if (pair.train.rows > 0 && pair.test.rows > 0) return pair
  throw tooFew(view)
}

function tooFew({ rows }: View): MlforgeError {
  return invalid('split', `leaves a part of the ${rows} rows empty`)
}

function invalid(at: string, message: string): MlforgeError {
  return new MlforgeError('split_invalid', `${at} ${message}.`, { problems: [{ at, message }] })
}
