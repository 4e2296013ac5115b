import type { Column } from '../../../domain/transformations/columns.js'
import { kindOfType } from '../../../domain/transformations/columns.js'
import { type DateColumn, datePartNames } from '../../../domain/transformations/dates.js'
import type { StateOf, StepState } from '../../../domain/transformations/fitted.js'
import { productName, productsOf } from '../../../domain/transformations/products.js'
import type { DatePart, Step, StepOf } from '../../../domain/transformations/steps.js'
import { WORD_RE2 } from '../../../domain/transformations/words.js'
import { name, text } from '../duckdb.js'
import { createCodes, double, keySql, notNan, numberSql } from './values.js'

/** A step as SQL over the columns before it. */
export interface StepSql {
  /** Statements that come before: types of codes. */
  readonly before: readonly string[]
  /** Columns that expressions need, and the result does not have. */
  readonly helpers: readonly (readonly [column: string, sql: string])[]
  /** Of the columns that the step makes or replaces. */
  readonly made: ReadonlyMap<string, string>
  readonly where: string | null
}

export interface StepPlace {
  /** Position of the step. */
  readonly at: number
  /** The columns before it. */
  readonly columns: readonly Column[]
  /** What the names of its types begin with. */
  readonly prefix: string
}

/** What `error` says in SQL, so that the rows can be counted afterwards. */
export const REFUSED = /mlforge (category|logarithm) (\d+) (\d+)/

/** @throws nothing: the step fits its columns, and the state the step */
export function stepSql(step: Step, state: StepState, place: StepPlace): StepSql {
  return new StepWriter(place).write(step, state)
}

/** The type of the codes of a column of a step, quoted. */
export function codesType(prefix: string, step: number, column: number): string {
  return name(`${prefix} codes ${step} ${column}`)
}

const PARTS: Readonly<Record<Exclude<DatePart, 'is_weekend'>, string>> = {
  year: 'year',
  quarter: 'quarter',
  month: 'month',
  day: 'day',
  day_of_week: 'isodow',
  day_of_year: 'dayofyear',
  week: 'week',
  hour: 'hour',
  minute: 'minute',
}

class StepWriter {
  private readonly before: string[] = []
  private readonly helpers: [string, string][] = []
  private where: string | null = null

  constructor(private readonly place: StepPlace) {}

  write(step: Step, state: StepState): StepSql {
    const made = new Map(this.made(step, state))
    return { before: this.before, helpers: this.helpers, made, where: this.where }
  }

  private made(step: Step, state: StepState): (readonly [string, string])[] {
    switch (step.kind) {
      case 'impute':
        return this.impute(step, state as StateOf<'impute'>)
      case 'scale': {
        const { centers, scales } = state as StateOf<'scale'>
        return this.numbers(step.columns, (x, i) => `(${x} - ${double(centers[i]!)}) / ${double(scales[i]!)}`)
      }
      case 'bin': {
        const { edges } = state as StateOf<'bin'>
        return this.numbers(step.columns, (x, i) => {
          return `CASE WHEN ${x} IS NULL THEN NULL ELSE ${binOf(x, edges[i]!.slice(1, -1), 0)} END`
        })
      }
      case 'clip': {
        const { bounds } = state as StateOf<'clip'>
        return this.numbers(step.columns, (x, i) => clipped(x, bounds[i]!))
      }
      case 'log':
        return this.log(step)
      case 'one_hot':
        return this.oneHot(step, state as StateOf<'one_hot'>)
      case 'ordinal':
        return this.ordinal(step, state as StateOf<'ordinal'>)
      case 'target':
        return this.target(step, state as StateOf<'target'>)
      case 'date_parts':
        return step.columns.flatMap(column => datePartNames(column, step).map(made => datePart(column, made)))
      case 'hash':
        return this.hash(step)
      case 'interact':
        return productsOf(step).map(factors => {
          const numbers = factors.map(column => numberSql(this.column(column)))
          return [productName(factors), notNan(numbers.join(' * '))]
        })
      case 'sql':
        return Object.entries(step.columns).map(([column, sql]) => [column, `(${sql}\n)`])
      case 'filter':
        this.where = `(${step.where}\n)`
        return []
      case 'select':
      case 'drop':
        return []
    }
  }

  private impute(step: StepOf<'impute'>, { fills }: StateOf<'impute'>): (readonly [string, string])[] {
    const isComputed = step.strategy === 'mean' || step.strategy === 'median'
    return step.columns.flatMap((column, i) => {
      const own = this.column(column)
      const value = kindOfType(own.type) === 'number' || isComputed ? numberSql(own) : name(column)
      const fill = isComputed ? double(fills[i] as number) : `CAST(${text(String(fills[i]))} AS ${own.type})`
      const kept = isComputed ? value : name(column)
      const filled = [column, `CASE WHEN ${value} IS NULL THEN ${fill} ELSE ${kept} END`] as const
      if (step.indicator !== true) return [filled]
      return [filled, [`${column}_missing`, flag(`${value} IS NULL`)] as const]
    })
  }

  private log({ columns, offset = 1, invalid = 'error' }: StepOf<'log'>): (readonly [string, string])[] {
    return this.numbers(columns, (x, i) => {
      const otherwise = invalid === 'null' ? 'NULL' : this.refused('logarithm', i)
      const [from, by] = [double(-offset), double(offset)]
      return `CASE WHEN ${x} IS NULL THEN NULL WHEN ${x} > ${from} THEN ln(${x} + ${by}) ELSE ${otherwise} END`
    })
  }

  private oneHot(step: StepOf<'one_hot'>, state: StateOf<'one_hot'>): (readonly [string, string])[] {
    const { unknown = 'error' } = step
    return step.columns.flatMap((column, i) => {
      const { names, infrequent, missing } = state.columns[i]!
      const frequent = names.map(({ category }) => category)
      const { key, code: read } = this.codes(column, i, [...frequent, ...(infrequent?.categories ?? [])])
      const code = this.helper(`code ${i}`, read)
      const guard =
        unknown === 'error'
          ? ` WHEN ${code} IS NULL AND ${key} IS NOT NULL THEN ${this.refused('category', i)}`
          : ''
      const one = (condition: string): string => `(CASE WHEN ${condition} THEN 1${guard} ELSE 0 END)::BIGINT`
      const others = unknown === 'infrequent' ? ` OR (${key} IS NOT NULL AND ${code} IS NULL)` : ''
      return [
        ...names.map(({ name: made }, at) => [made, one(`${code} = ${at}`)] as const),
        ...(infrequent === null
          ? []
          : [[infrequent.name, one(`${code} >= ${names.length}${others}`)] as const]),
        ...(missing === null ? [] : [[missing, one(`${key} IS NULL`)] as const]),
      ]
    })
  }

  private ordinal(
    step: StepOf<'ordinal'>,
    { categories }: StateOf<'ordinal'>,
  ): (readonly [string, string])[] {
    return step.columns.map((column, i) => {
      const { key, code } = this.codes(column, i, categories[i]!)
      const { unknown = 'error' } = step
      const strange = unknown === 'error' ? this.refused('category', i) : String(step.unknownValue ?? 'NULL')
      return [
        column,
        `CASE WHEN ${code} IS NOT NULL THEN ${code} WHEN ${key} IS NULL THEN NULL ELSE ${strange} END::BIGINT`,
      ]
    })
  }

  private target(
    { columns }: StepOf<'target'>,
    { mean, columns: own }: StateOf<'target'>,
  ): [string, string][] {
    return columns.map((column, i) => {
      const { categories, encodings } = own[i]!
      if (categories.length === 0) return [column, double(mean)]
      const { code } = this.codes(column, i, categories)
      // A variable is read once, and a list of literals each time that the view is bound.
      const variable = `${this.place.prefix} encodings ${this.place.at} ${i}`
      this.before.push(`SET VARIABLE ${name(variable)} = ${doubles(encodings)}`)
      const encoded = `list_extract(getvariable(${text(variable)}), ${code} + 1)`
      return [column, `coalesce(${encoded}, ${double(mean)})`]
    })
  }

  private hash(step: StepOf<'hash'>): (readonly [string, string])[] {
    const { columns, buckets, seed = 0, tokens = false } = step
    const bucket = (sql: string): string =>
      `(md5_number_lower(${text(`${seed}:`)} || ${sql}) % ${buckets})::BIGINT`
    if (!tokens) return columns.map(column => [column, bucket(name(column))])
    return columns.flatMap((column, i) => {
      const found = `regexp_extract_all(lower(${name(column)}), ${text(WORD_RE2)})`
      const words = this.helper(`words ${i}`, `list_transform(${found}, lambda word: ${bucket('word')})`)
      return Array.from({ length: buckets }, (_, at) => {
        const count = `len(list_filter(${words}, lambda bucket: bucket = ${at}))`
        return [`${column}_${at}`, `coalesce(${count}, 0)::BIGINT`] as const
      })
    })
  }

  private numbers(columns: readonly string[], of: (x: string, i: number) => string): [string, string][] {
    return columns.map((column, i) => [column, of(numberSql(this.column(column)), i)])
  }

  /** The position of a value among categories, by a type that is made before: NULL for any other. */
  private codes(
    column: string,
    i: number,
    categories: Parameters<typeof createCodes>[2],
  ): { key: string; code: string } {
    const own = this.column(column)
    const type = codesType(this.place.prefix, this.place.at, i)
    this.before.push(createCodes(type, own, categories))
    const key = keySql(own)
    return { key, code: `enum_code(TRY_CAST(${key} AS ${type}))::BIGINT` }
  }

  private refused(why: 'category' | 'logarithm', i: number): string {
    return `error('mlforge ${why} ${this.place.at} ${i}')`
  }

  /** What several columns are made of, computed once; quoted. */
  private helper(wanted: string, sql: string): string {
    const names = this.place.columns.map(column => column.name.toLowerCase())
    let free = wanted
    while (names.includes(free)) free = `${free} `
    this.helpers.push([free, sql])
    return name(free)
  }

  private column(wanted: string): Column {
    return this.place.columns.find(column => column.name === wanted)!
  }
}

function datePart(column: string, { name: made, part, circle }: DateColumn): [string, string] {
  const moment = `${name(column)}::TIMESTAMP`
  if (part === 'is_weekend') {
    return [made, `(CASE WHEN isodow(${moment}) >= 6 THEN 1 WHEN isodow(${moment}) < 6 THEN 0 END)::BIGINT`]
  }
  const value = `${PARTS[part]}(${moment})`
  if (circle === null) return [made, value]
  return [made, `list_extract(${doubles(circle.values)}, ${value} - ${circle.first} + 1)`]
}

function flag(condition: string): string {
  return `(CASE WHEN ${condition} THEN 1 ELSE 0 END)::BIGINT`
}

/** One literal: a long list of them takes long to bind. */
function doubles(values: readonly number[]): string {
  return `${text(`[${values.join(', ')}]`)}::DOUBLE[]`
}

function clipped(x: string, { min, max }: StateOf<'clip'>['bounds'][number]): string {
  const low = min === null ? '' : ` WHEN ${x} < ${double(min)} THEN ${double(min)}`
  const high = max === null ? '' : ` WHEN ${x} > ${double(max)} THEN ${double(max)}`
  return `CASE WHEN ${x} IS NULL THEN NULL${low}${high} ELSE ${x} END`
}

/** How many of ascending edges are not above a value, by halves. */
function binOf(x: string, edges: readonly number[], first: number): string {
  if (edges.length === 0) return `${first}::BIGINT`
  const middle = edges.length >> 1
  const below = binOf(x, edges.slice(0, middle), first)
  const above = binOf(x, edges.slice(middle + 1), first + middle + 1)
  return `CASE WHEN ${x} < ${double(edges[middle]!)} THEN ${below} ELSE ${above} END`
}
