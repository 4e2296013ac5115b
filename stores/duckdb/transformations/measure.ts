import { type Column, kindOfType } from '../../../domain/transformations/columns.js'
import type { Category, Measured } from '../../../domain/transformations/learn.js'
import { CATEGORY_LIMIT } from '../../../domain/transformations/limits.js'
import {
  type CategoryNeed,
  categoryNeeds,
  type NumberNeed,
  numberNeeds,
  type Statistic,
  statisticKey,
} from '../../../domain/transformations/needs.js'
import type { Scalar, Step } from '../../../domain/transformations/steps.js'
import { type DuckDb, type JsonRow, type JsonValue, name, text } from '../duckdb.js'
import { double, numberSql } from './values.js'

export interface Measurement {
  readonly numbers: ReadonlyMap<string, Measured>
  /** By `categoriesKey`. */
  readonly categories: ReadonlyMap<string, readonly Category[]>
}

/** GROUPING says by a number of so many bits which column a row is of. */
const COLUMNS_A_SCAN = 50

/**
 * What steps need to know of a table: one scan for the statistics of numbers, and one for categories.
 * Equal rows in equal order give equal numbers: there is one thread, so that sums are in the order of the rows.
 * @param columns of the table
 */
export async function measure(
  db: DuckDb,
  table: string,
  columns: readonly Column[],
  steps: readonly Step[],
): Promise<Measurement> {
  const types = new Map(columns.map(column => [column.name, column]))
  const numbers = await measureNumbers(db, table, types, steps.flatMap(numberNeeds))
  const categories = new Map<string, readonly Category[]>()
  const needs = byColumn(steps.flatMap(categoryNeeds))
  for (let at = 0; at < needs.length; at += COLUMNS_A_SCAN) {
    const some = needs.slice(at, at + COLUMNS_A_SCAN)
    for (const [key, found] of await measureCategories(db, table, types, some)) categories.set(key, found)
  }
  return { numbers, categories }
}

export function categoriesKey(column: string, target: string | null): string {
  return JSON.stringify([column, target])
}

async function measureNumbers(
  db: DuckDb,
  table: string,
  types: ReadonlyMap<string, Column>,
  needs: readonly NumberNeed[],
): Promise<Map<string, Measured>> {
  const merged = new Map<string, Map<string, Statistic>>()
  for (const { column, statistics } of needs) {
    const own = merged.get(column) ?? new Map<string, Statistic>()
    for (const each of statistics) own.set(statisticKey(each), each)
    merged.set(column, own)
  }
  if (merged.size === 0) return new Map()
  const names = [...merged.keys()]
  const finite = names.map((column, i) => {
    const x = numberSql(types.get(column)!)
    return `${x} AS x${i}, CASE WHEN isfinite(${x}) THEN ${x} END AS f${i}`
  })
  const wanted: string[] = []
  for (const [i, column] of names.entries()) {
    const statistics = [...merged.get(column)!.values()]
    const hasVariance = statistics.some(each => each.of === 'variance')
    wanted.push(...columnSql(statistics, i, hasVariance ? await firstOf(db, table, types.get(column)!) : 0))
  }
  const [row] = await db.query(`SELECT ${wanted.join(', ')} FROM (SELECT ${finite.join(', ')} FROM ${table})`)
  return new Map(names.map((column, i) => [column, measuredOf(row!, [...merged.get(column)!.values()], i)]))
}

/** The quantiles of a column together, so that its values are gathered once for all of them. */
function columnSql(statistics: readonly Statistic[], i: number, first: number): string[] {
  const shares = `[${sharesOf(statistics).map(double).join(', ')}]`
  const quantiles = ['cont', 'disc'].map(way => `quantile_${way}(f${i}, ${shares}) AS ${name(`${i} ${way}`)}`)
  return [
    `count(f${i}) AS ${name(`${i} count`)}`,
    `count_if(isinf(x${i})) AS ${name(`${i} infinite`)}`,
    ...(sharesOf(statistics).length === 0 ? [] : quantiles),
    ...statistics.flatMap(each => {
      const sql = statisticSql(each, i, first)
      return sql === null ? [] : [`${sql} AS ${name(`${i} ${statisticKey(each)}`)}`]
    }),
  ]
}

/**
 * The first finite value. Variances are taken of differences from it: of values that lie far from zero the digits in
 * which they differ would be lost.
 */
async function firstOf(db: DuckDb, table: string, column: Column): Promise<number> {
  const [row] = await db.query(
    `SELECT x FROM (SELECT ${numberSql(column)} AS x FROM ${table}) WHERE isfinite(x) LIMIT 1`,
  )
  return row === undefined ? 0 : Number(row['x'])
}

function sharesOf(statistics: readonly Statistic[]): number[] {
  return statistics.flatMap(each => (each.of === 'quantile' ? [each.share] : []))
}

function measuredOf(row: JsonRow, statistics: readonly Statistic[], i: number): Measured {
  const [cont, disc] = ['cont', 'disc'].map(way => (row[`${i} ${way}`] ?? []) as JsonValue[])
  const quantiles = sharesOf(statistics).map((share, at): [string, number | null] => [
    statisticKey({ of: 'quantile', share }),
    cont!.length === 0 ? null : quantile(Number(cont![at]), Number(disc![at])),
  ])
  const others = statistics
    .filter(each => each.of !== 'quantile')
    .map((each): [string, number | null] => [
      statisticKey(each),
      numberOf(row[`${i} ${statisticKey(each)}`]!),
    ])
  const [count, infinite] = ['count', 'infinite'].map(key => row[`${i} ${key}`] as number)
  return { count: count!, infinite: infinite!, ...Object.fromEntries([...quantiles, ...others]) }
}

/**
 * DuckDB interpolates v (1 - t) + v t between equal values too, which can be off in the last bit: a bin whose edge
 * is that value would not begin with it. Then it is the value itself.
 */
function quantile(between: number, value: number): number {
  return Math.abs(between - value) <= 2 * Number.EPSILON * Math.abs(value) ? value : between
}

function statisticSql(statistic: Statistic, i: number, first: number): string | null {
  switch (statistic.of) {
    case 'mean':
      return `favg(f${i})`
    case 'variance':
      return `var_pop(f${i} - ${double(first)})`
    case 'min':
      return `min(f${i})`
    case 'max':
      return `max(f${i})`
    case 'quantile':
      return null
    case 'at_most':
      return `count_if(x${i} <= ${double(statistic.bound)})`
  }
}

interface ColumnNeed {
  readonly column: string
  readonly targets: readonly string[]
  readonly onlyFirst: boolean
}

function byColumn(needs: readonly CategoryNeed[]): ColumnNeed[] {
  return [...new Set(needs.map(({ column }) => column))].map(column => {
    const own = needs.filter(need => need.column === column)
    const targets = own.flatMap(({ target }) => (target === null ? [] : [target]))
    return { column, targets: [...new Set(targets)], onlyFirst: own.every(need => need.onlyFirst) }
  })
}

/** Grouping sets of one column each: the rows are read once. */
async function measureCategories(
  db: DuckDb,
  table: string,
  types: ReadonlyMap<string, Column>,
  needs: readonly ColumnNeed[],
): Promise<Map<string, readonly Category[]>> {
  const targets = [...new Set(needs.flatMap(need => need.targets))]
  const keys = needs.map((_, i) => `k${i}`)
  const read = [
    ...needs.map(({ column }, i) => `${valueSql(types.get(column)!)} AS k${i}`),
    ...targets.map((target, i) => `${numberSql(types.get(target)!)} AS x${i}`),
  ]
  const firsts: number[] = []
  for (const target of targets) firsts.push(await firstOf(db, table, types.get(target)!))
  const moments = targets.map((_, i) => {
    const y = `CASE WHEN isfinite(x${i}) THEN x${i} END`
    return `, count(${y}) AS n${i}, favg(${y}) AS m${i}, var_pop(${y} - ${double(firsts[i]!)}) AS v${i}`
  })
  const grouped = `SELECT ${keys.join(', ')}, GROUPING(${keys.join(', ')}) AS g, count(*) AS n${moments.join('')}
    FROM (SELECT ${read.join(', ')} FROM ${table}) GROUP BY GROUPING SETS (${keys.map(key => `(${key})`).join(', ')})`
  // Of each column the nulls are no category; its group is that of which every bit but its own is set.
  const groups = keys.map((_, i) => 2 ** keys.length - 1 - 2 ** (keys.length - 1 - i))
  const limits = needs.map((need, i) => `WHEN ${groups[i]} THEN ${need.onlyFirst ? 1 : CATEGORY_LIMIT + 1}`)
  const rows =
    await db.query(`SELECT * FROM (${grouped}) WHERE ${keys.map(key => `${key} IS NOT NULL`).join(' OR ')}
    QUALIFY row_number() OVER (PARTITION BY g ORDER BY n DESC, ${keys.join(', ')}) <= CASE g ${limits.join(' ')} END
    ORDER BY g, ${keys.join(', ')}`)
  const found = new Map<string, readonly Category[]>()
  for (const [i, { column, targets: own }] of needs.entries()) {
    const ofColumn = rows.filter(row => row['g'] === groups[i])
    const value = (row: JsonRow): Scalar => scalarOf(row[`k${i}`]!, types.get(column)!)
    for (const target of [null, ...own]) {
      const t = target === null ? -1 : targets.indexOf(target)
      const categories = ofColumn.map(row => ({
        value: value(row),
        count: row['n'] as number,
        target: {
          count: (row[`n${t}`] ?? 0) as number,
          mean: numberOf(row[`m${t}`] ?? 0)!,
          variance: numberOf(row[`v${t}`] ?? 0)!,
        },
      }))
      found.set(categoriesKey(column, target), categories)
    }
  }
  return found
}

/** Doubles without NaN, and minus zero as zero; other values as they are. */
function valueSql(column: Column): string {
  if (!/^(DOUBLE|FLOAT)$/.test(column.type)) return name(column.name)
  const x = numberSql(column)
  return `CASE WHEN ${x} = 0 THEN 0::DOUBLE ELSE ${x} END`
}

function scalarOf(value: JsonValue, { type }: Column): Scalar {
  return kindOfType(type) === 'number' ? Number(value) : (value as Scalar)
}

function numberOf(value: JsonValue): number | null {
  return value === null ? null : Number(value)
}

/** A constant as a column of a type has it; null where it cannot be one. */
export async function asConstant(db: DuckDb, value: Scalar, column: Column): Promise<Scalar | null> {
  const [row] = await db.query(`SELECT TRY_CAST(${text(String(value))} AS ${column.type}) AS value`)
  return row!['value'] === null ? null : scalarOf(row!['value']!, column)
}
