import type { Column } from '../../contracts/rest/datasets.js'
import { deal, invalid, type Pair } from './deal.js'
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

const MAX_FOLDS = 100

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
  const sizes = (before: number, rows: number): number[] =>
    Array.from(
      { length: folds },
      (_, fold) => countOf(before + rows, fold, folds) - countOf(before, fold, folds),
    )
  const pairs = await deal(session, view, { seed, stratify, parts: folds, sizes })
  return pairs.map(pair => inhabited(view, pair))
}

/** Takes the test part by the same hash: as many rows as its share comes to, rounded. */
export async function atRandom(
  session: Session,
  view: View,
  { test, seed, stratify }: RandomSplit,
): Promise<Pair<View>> {
  if (!(test > 0 && test < 1)) throw invalid('test', `is ${test}: give a share between 0 and 1`)
  const sizes = (before: number, rows: number): number[] => [
    Math.round((before + rows) * test) - Math.round(before * test),
  ]
  const [pair] = await deal(session, view, { seed, stratify, parts: 1, sizes })
  return inhabited(view, pair!)
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

/** @throws MlforgeError split_invalid where a part has no rows */
function inhabited(view: View, pair: Pair<View>): Pair<View> {
  if (pair.train.rows > 0 && pair.test.rows > 0) return pair
  throw invalid('split', `leaves a part of the ${view.rows} rows empty`)
}
