import type { Path } from '../pipelines/problems.js'
import { located } from '../pipelines/problems.js'
import { freeName } from './check.js'
import type { Encodings, StateOf, StepState } from './fitted.js'
import { CATEGORY_LIMIT } from './limits.js'
import { edgeShares, statisticKey } from './needs.js'
import { oneHotColumns } from './one-hot.js'
import { transformationInvalid } from './problems.js'
import type { Scalar, Step, StepOf } from './steps.js'

/** Statistics of the finite values of a column, by their keys; null where there is no such value. */
export interface Measured {
  readonly count: number
  readonly infinite: number
  readonly [statistic: string]: number | null
}

/** A category of a column; the moments are those of its rows that have a target. */
export interface Category {
  readonly value: Scalar
  readonly count: number
  readonly target: { readonly count: number; readonly mean: number; readonly variance: number }
}

/** What was measured of the rows that a step is fitted to. */
export interface Evidence {
  readonly rows: number
  readonly numbers: (column: string) => Measured
  /** In the order of the values; of a target's column, those with the moments of that target. */
  readonly categories: (column: string, target: string | null) => readonly Category[]
  /** A constant as a column has it: a number of another precision, a date in ISO 8601. */
  readonly constant: (column: string, value: Scalar) => Scalar
  /** Names of the columns before the step, in their order. */
  readonly columns: readonly string[]
}

/**
 * What a step learns from evidence; null for steps that learn nothing.
 * @param at path of the step
 * @throws MlforgeError transformation_invalid for a column that cannot be learned from: without values, with
 *   infinite ones, with too many categories
 */
export function learn(step: Step, at: Path, evidence: Evidence): StepState {
  return new Learner(at, evidence).learn(step)
}

const EPSILON = 2 ** -52

class Learner {
  constructor(
    private readonly at: Path,
    private readonly evidence: Evidence,
  ) {}

  learn(step: Step): StepState {
    switch (step.kind) {
      case 'impute':
        return { kind: 'impute', fills: step.columns.map((column, i) => this.fill(step, column, i)) }
      case 'scale':
        return this.scale(step)
      case 'one_hot':
        return this.oneHot(step)
      case 'ordinal':
        return { kind: 'ordinal', categories: step.columns.map((column, i) => this.order(step, column, i)) }
      case 'target':
        return this.target(step)
      case 'bin':
        return { kind: 'bin', edges: step.columns.map((column, i) => this.edges(step, column, i)) }
      case 'clip':
        return { kind: 'clip', bounds: step.columns.map((column, i) => this.bounds(step, column, i)) }
      case 'log':
        this.positive(step)
        return null
      default:
        return null
    }
  }

  private fill(step: StepOf<'impute'>, column: string, i: number): Scalar {
    if (step.strategy === 'constant') return this.evidence.constant(column, step.value!)
    if (step.strategy === 'mean') return this.statistic(column, i, 'mean')
    if (step.strategy === 'median') return this.statistic(column, i, 'quantile 0.5')
    const [first, ...others] = this.categories(column, i, null)
    if (first === undefined) throw this.wrong(i, `"${column}" has no value in the rows of the fit.`)
    return others.reduce((best, each) => (each.count > best.count ? each : best), first).value
  }

  private scale({ columns, method }: StepOf<'scale'>): StateOf<'scale'> {
    const pairs = columns.map((column, i) => {
      const of = (key: string): number => this.statistic(column, i, key)
      switch (method) {
        case 'standard':
          return [
            of('mean'),
            deviation(of('variance'), of('mean'), this.evidence.numbers(column).count),
          ] as const
        case 'min_max':
          return [of('min'), spread(of('max') - of('min'))] as const
        case 'robust':
          return [of('quantile 0.5'), spread(of('quantile 0.75') - of('quantile 0.25'))] as const
        case 'max_abs':
          return [0, spread(Math.max(Math.abs(of('min')), Math.abs(of('max'))))] as const
      }
    })
    const scales = pairs.map(([, scale], i) => this.finite(i, columns[i]!, scale))
    return { kind: 'scale', centers: pairs.map(([center]) => center), scales }
  }

  private oneHot(step: StepOf<'one_hot'>): StateOf<'one_hot'> {
    const taken = this.evidence.columns.filter(
      column => step.dropOriginal === false || !step.columns.includes(column),
    )
    const columns = step.columns.map((column, i) => {
      const categories = this.fewCategories(column, i, null)
      const made = oneHotColumns(step, column, categories, this.evidence.rows, wanted => {
        const name = freeName(wanted, taken)
        taken.push(name)
        return name
      })
      if (typeof made === 'string') throw this.wrong(i, made)
      return made
    })
    return { kind: 'one_hot', columns }
  }

  private order(step: StepOf<'ordinal'>, column: string, i: number): Scalar[] {
    const found = this.fewCategories(column, i, null).map(({ value }) => value)
    const given = Object.hasOwn(step.order ?? {}, column) ? step.order![column]! : undefined
    if (given === undefined) return found
    const strange = found.filter(value => !given.includes(value))
    if ((step.unknown ?? 'error') === 'error' && strange.length > 0) {
      const shown = strange.slice(0, 5).map(value => JSON.stringify(value))
      throw this.wrong(
        i,
        `${strange.length} categories of "${column}" are not in its order: ${shown.join(', ')}.`,
      )
    }
    return [...given]
  }

  private target(step: StepOf<'target'>): StateOf<'target'> {
    const { target, smoothing = 'auto' } = step
    const path = [...this.at, 'target']
    const { count, infinite, mean, variance } = this.evidence.numbers(target)
    if (infinite > 0) throw wrongAt(path, `"${target}" is infinite in ${infinite} rows.`)
    if (count === 0 || mean == null || variance == null) {
      throw wrongAt(path, `"${target}" has no value in the rows of the fit.`)
    }
    const columns = step.columns.map((column, i): Encodings => {
      const own = this.fewCategories(column, i, target).filter(each => each.target.count > 0)
      const encodings = own.map(each => encoding(each.target, { mean, variance }, smoothing))
      for (const each of encodings) this.finite(i, column, each)
      return { categories: own.map(({ value }) => value), encodings }
    })
    return { kind: 'target', mean: this.finite(0, target, mean), columns }
  }

  private edges(step: StepOf<'bin'>, column: string, i: number): number[] {
    if (step.strategy === 'edges') return [...step.edges!]
    const bins = step.bins!
    if (step.strategy === 'quantile') {
      return ascending(
        edgeShares(bins).map(share => this.statistic(column, i, statisticKey({ of: 'quantile', share }))),
      )
    }
    const [min, max] = [this.statistic(column, i, 'min'), this.statistic(column, i, 'max')]
    const width = this.finite(i, column, max - min) / bins
    return ascending(Array.from({ length: bins + 1 }, (_, at) => (at === bins ? max : min + at * width)))
  }

  private bounds(
    { min, max, lowerQuantile: lower, upperQuantile: upper }: StepOf<'clip'>,
    column: string,
    i: number,
  ): StateOf<'clip'>['bounds'][number] {
    const bound = (fixed: number | undefined, share: number | undefined): number | null => {
      if (share === undefined) return fixed ?? null
      return this.statistic(column, i, statisticKey({ of: 'quantile', share }))
    }
    const bounds = { min: bound(min, lower), max: bound(max, upper) }
    if (bounds.min !== null && bounds.max !== null && bounds.min > bounds.max) {
      throw this.wrong(
        i,
        `The lower bound of "${column}", ${bounds.min}, is above the upper one, ${bounds.max}.`,
      )
    }
    return bounds
  }

  private positive({ columns, offset = 1, invalid }: StepOf<'log'>): void {
    if (invalid === 'null') return
    for (const [i, column] of columns.entries()) {
      const found = this.evidence.numbers(column)[statisticKey({ of: 'at_most', bound: -offset })] ?? 0
      if (found > 0) throw this.wrong(i, notPositive(column, found, offset))
    }
  }

  private statistic(column: string, i: number, key: string): number {
    const measured = this.evidence.numbers(column)
    if (measured.infinite > 0) {
      throw this.wrong(i, `"${column}" is infinite in ${measured.infinite} rows: it has no such statistics.`)
    }
    const value = measured[key]
    if (value == null) throw this.wrong(i, `"${column}" has no value in the rows of the fit.`)
    return this.finite(i, column, value)
  }

  private fewCategories(column: string, i: number, target: string | null): readonly Category[] {
    const found = this.categories(column, i, target)
    if (found.length <= CATEGORY_LIMIT) return found
    throw this.wrong(i, `"${column}" has more than ${CATEGORY_LIMIT} categories. Hash it, or bin it.`)
  }

  private categories(column: string, i: number, target: string | null): readonly Category[] {
    const found = this.evidence.categories(column, target)
    if (found.some(({ value }) => value === Infinity || value === -Infinity)) {
      throw this.wrong(i, `"${column}" has infinite values, which are no categories.`)
    }
    if (found.some(({ value }) => typeof value === 'string' && value.includes('\0'))) {
      throw this.wrong(i, `"${column}" has text with NUL characters, which SQL cannot hold.`)
    }
    return found
  }

  private finite(i: number, column: string, value: number): number {
    if (Number.isFinite(value)) return value
    throw this.wrong(i, `The values of "${column}" are too large: a statistic of them is above 1.8e308.`)
  }

  private wrong(i: number, message: string): Error {
    return wrongAt([...this.at, 'columns', i], message)
  }
}

/** Why a value of a log step has no logarithm. */
export function notPositive(column: string, rows: number, offset: number): string {
  return `"${column}" is ${-offset} or less in ${rows} rows, which has no logarithm: choose a larger offset, or "invalid": "null".`
}

function wrongAt(path: Path, message: string): Error {
  return transformationInvalid([located({ path, message })])
}

/** The rule of scikit-learn, `_is_constant_feature`: a variance within the error of computing it is none. */
function deviation(variance: number, mean: number, count: number): number {
  return variance <= count * EPSILON * variance + (count * mean * EPSILON) ** 2 ? 1 : Math.sqrt(variance)
}

/** `_handle_zeros_in_scale`. */
function spread(scale: number): number {
  return scale < 10 * EPSILON ? 1 : scale
}

/**
 * scikit-learn's TargetEncoder after Micci-Barreca (2001): with a number m its equation 7,
 * (sum + m mean) / (count + m); with `auto` equations 5 and 6, the weight of the category's mean being
 * v n / (v n + s / n) for the variance v of all targets and the sum s of squared differences in the category.
 */
function encoding(
  category: Category['target'],
  all: { readonly mean: number; readonly variance: number },
  smoothing: number | 'auto',
): number {
  const { count, mean, variance } = category
  if (smoothing !== 'auto') return (count * mean + smoothing * all.mean) / (count + smoothing)
  const weight = (all.variance * count) / (all.variance * count + variance)
  return Number.isNaN(weight) ? all.mean : weight * mean + (1 - weight) * all.mean
}

function ascending(edges: readonly number[]): number[] {
  return edges.filter((edge, i) => i === 0 || edge > edges[i - 1]!)
}
