import type { Json } from '../canonical-json.js'
import type { Column } from './columns.js'
import { datePartNames, instantOf, partOf } from './dates.js'
import type { StateOf, StepState } from './fitted.js'
import { notPositive } from './learn.js'
import { bucketOf } from './md5.js'
import { transformationMismatch } from './problems.js'
import { productName, productsOf } from './products.js'
import { categoryIn, categoryKey, instantIn, isMissing, numberIn, numberOut, textIn } from './row-values.js'
import type { Step, StepOf } from './steps.js'
import { unknownCategory } from './unknown.js'
import { wordsOf } from './words.js'

/** Values of a row by the columns that they are of. */
export type Values = ReadonlyMap<string, Json>

/** The columns that a step makes of a row, or replaces in it. */
export type MakeValues = (row: Values) => readonly (readonly [name: string, value: Json])[]

/**
 * One step on rows: equal to what DuckDB makes of them.
 * @param columns those before the step
 * @param at path of the step
 */
export function makeValues(step: Step, state: StepState, columns: readonly Column[], at: string): MakeValues {
  const types = new Map(columns.map(({ name, type }) => [name, type]))
  return new ValueMaker(types, at).of(step, state)
}

class ValueMaker {
  constructor(
    private readonly types: ReadonlyMap<string, string>,
    private readonly at: string,
  ) {}

  of(step: Step, state: StepState): MakeValues {
    switch (step.kind) {
      case 'impute':
        return this.impute(step, state as StateOf<'impute'>)
      case 'scale': {
        const { centers, scales } = state as StateOf<'scale'>
        return this.numbers(step.columns, (value, i) => (value - centers[i]!) / scales[i]!)
      }
      case 'bin': {
        const inner = (state as StateOf<'bin'>).edges.map(edges => edges.slice(1, -1))
        return this.numbers(step.columns, (value, i) => inner[i]!.filter(edge => value >= edge).length)
      }
      case 'clip': {
        const { bounds } = state as StateOf<'clip'>
        return this.numbers(step.columns, (value, i) => clipped(value, bounds[i]!))
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
        return this.dateParts(step)
      case 'hash':
        return this.hash(step)
      case 'interact': {
        const products = productsOf(step)
        return row =>
          products.map(factors => {
            const product = factors.map(column => this.number(row, column)).reduce((a, b) => a * b)
            return [productName(factors), numberOut(product)]
          })
      }
      default:
        return () => []
    }
  }

  private impute(step: StepOf<'impute'>, { fills }: StateOf<'impute'>): MakeValues {
    const { columns, strategy, indicator = false } = step
    const isComputed = strategy === 'mean' || strategy === 'median'
    return row =>
      columns.flatMap((column, i) => {
        const value = row.get(column)!
        const missing = isMissing(column, this.type(column), value)
        const kept = isComputed ? numberOut(this.number(row, column)) : value
        const filled = [column, missing ? fills[i]! : kept] as const
        return indicator ? [filled, [`${column}_missing`, missing ? 1 : 0] as const] : [filled]
      })
  }

  private log({ columns, offset = 1, invalid = 'error' }: StepOf<'log'>): MakeValues {
    return this.numbers(columns, (value, i) => {
      if (value > -offset) return Math.log(value + offset)
      if (invalid === 'null') return NaN
      throw this.wrong('columns', i, notPositive(columns[i]!, 1, offset))
    })
  }

  private oneHot(step: StepOf<'one_hot'>, state: StateOf<'one_hot'>): MakeValues {
    const { unknown = 'error' } = step
    const made = state.columns.map(({ names, infrequent, missing }) => ({
      places: new Map([
        ...names.map(({ category }, at) => [categoryKey(category), at] as const),
        ...(infrequent?.categories ?? []).map(each => [categoryKey(each), names.length] as const),
      ]),
      all: [
        ...names.map(({ name }) => name),
        ...(infrequent === null ? [] : [infrequent.name]),
        ...(missing === null ? [] : [missing]),
      ],
      missing,
      rest: infrequent === null || unknown !== 'infrequent' ? undefined : names.length,
    }))
    return row =>
      step.columns.flatMap((column, i) => {
        const { places, all, missing, rest } = made[i]!
        const key = categoryIn(column, this.type(column), row.get(column)!)
        const place =
          key === null ? (missing === null ? undefined : all.length - 1) : (places.get(key) ?? rest)
        if (key !== null && unknown === 'error' && !places.has(key)) throw this.unknown(column, i, key)
        return all.map((name, at) => [name, at === place ? 1 : 0] as const)
      })
  }

  private ordinal(step: StepOf<'ordinal'>, { categories }: StateOf<'ordinal'>): MakeValues {
    const codes = categories.map(own => new Map(own.map((each, code) => [categoryKey(each), code])))
    return row =>
      step.columns.map((column, i) => {
        const key = categoryIn(column, this.type(column), row.get(column)!)
        const code = key === null ? null : codes[i]!.get(key)
        if (code !== undefined) return [column, code]
        if ((step.unknown ?? 'error') === 'error') throw this.unknown(column, i, key!)
        return [column, step.unknownValue ?? null]
      })
  }

  private target({ columns }: StepOf<'target'>, { mean, columns: own }: StateOf<'target'>): MakeValues {
    const means = own.map(
      ({ categories, encodings }) =>
        new Map(categories.map((each, at) => [categoryKey(each), encodings[at]!] as const)),
    )
    return row =>
      columns.map((column, i) => {
        const key = categoryIn(column, this.type(column), row.get(column)!)
        return [column, key === null ? mean : (means[i]!.get(key) ?? mean)]
      })
  }

  private dateParts(step: StepOf<'date_parts'>): MakeValues {
    const made = step.columns.map(column => datePartNames(column, step))
    return row =>
      step.columns.flatMap((column, i) => {
        const instant = instantIn(column, this.type(column), row.get(column)!, instantOf)
        return made[i]!.map(({ name, part, circle }) => {
          const value = instant === null ? null : partOf(instant, part)
          return [
            name,
            value === null || circle === null ? value : circle.values[value - circle.first]!,
          ] as const
        })
      })
  }

  private hash({ columns, buckets, seed = 0, tokens = false }: StepOf<'hash'>): MakeValues {
    const text = (row: Values, column: string): string | null =>
      textIn(column, this.type(column), row.get(column)!)
    if (!tokens) {
      return row =>
        columns.map(column => {
          const value = text(row, column)
          return [column, value === null ? null : bucketOf(value, buckets, seed)]
        })
    }
    return row =>
      columns.flatMap(column => {
        const counts = Array.from({ length: buckets }, () => 0)
        for (const word of wordsOf(text(row, column) ?? '')) counts[bucketOf(word, buckets, seed)]! += 1
        return counts.map((count, i) => [`${column}_${i}`, count] as const)
      })
  }

  private numbers(columns: readonly string[], of: (value: number, i: number) => number): MakeValues {
    return row =>
      columns.map((column, i) => {
        const value = this.number(row, column)
        return [column, Number.isNaN(value) ? null : numberOut(of(value, i))]
      })
  }

  private number(row: Values, column: string): number {
    return numberIn(column, this.type(column), row.get(column)!)
  }

  private type(column: string): string {
    return this.types.get(column)!
  }

  private unknown(column: string, i: number, key: string): Error {
    return this.wrong('columns', i, unknownCategory(column, 1, key))
  }

  private wrong(field: string, i: number, message: string): Error {
    return transformationMismatch([{ at: `${this.at}.${field}[${i}]`, message }])
  }
}

function clipped(value: number, { min, max }: StateOf<'clip'>['bounds'][number]): number {
  if (min !== null && value < min) return min
  return max !== null && value > max ? max : value
}
