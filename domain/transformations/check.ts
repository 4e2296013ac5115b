import type { Path, PipelineProblem } from '../pipelines/problems.js'
import { didYouMean } from '../suggest.js'
import { type ColumnKind, isSameName, kindOfType } from './columns.js'
import { datePartNames } from './dates.js'
import type { StepState } from './fitted.js'
import { productName, productsOf } from './products.js'
import type { Scalar, Step, StepOf } from './steps.js'

/** A type is null where only DuckDB knows it. */
export interface KnownColumn {
  readonly name: string
  readonly type: string | null
}

export interface Known {
  readonly columns: readonly KnownColumn[]
  /** What the names of columns begin with that are not known yet. */
  readonly open: readonly string[]
  /** Logarithms, and what is computed of them: two libraries differ in their last bit. None where left out. */
  readonly rounded?: readonly string[]
}

const NUMBERS: readonly ColumnKind[] = ['integer', 'number']
const CATEGORIES: readonly ColumnKind[] = ['string', 'integer', 'number', 'boolean']
const TIMES: readonly ColumnKind[] = ['date', 'timestamp']
/** What tells values apart, be they next to each other. */
const EXACT: readonly Step['kind'][] = ['bin', 'one_hot', 'ordinal', 'target']

/** Which columns there are after one step, and what is wrong with it for those before. */
export class StepChecker {
  readonly problems: PipelineProblem[] = []

  /** @param absent columns that steps read as a target only, and that the table lacks */
  constructor(
    private readonly before: Known,
    private readonly path: Path,
    private readonly absent: ReadonlySet<string> = new Set(),
  ) {}

  /** @param state what the step was fitted to, where it is: then all columns are known */
  check(step: Step, state: StepState = null): Known {
    const { columns, open } = this.after(step, state)
    const rounded = this.roundedAfter(step).filter(name => columns.some(column => column.name === name))
    return { columns, open, rounded }
  }

  /** The columns of logarithms after a step; a problem where one is to be told apart from others. */
  private roundedAfter(step: Step): readonly string[] {
    const { rounded = [] } = this.before
    if (EXACT.includes(step.kind)) {
      for (const [i, column] of (step as StepOf<'bin'>).columns.entries()) {
        if (rounded.includes(column)) this.wrong(['columns', i], logarithm(column, step.kind))
      }
    }
    switch (step.kind) {
      case 'log':
        return [...new Set([...rounded, ...step.columns])]
      case 'interact': {
        const ofThem = productsOf(step).filter(factors => factors.some(factor => rounded.includes(factor)))
        return [...rounded, ...ofThem.map(productName)]
      }
      case 'sql':
        return rounded.filter(name => !Object.hasOwn(step.columns, name))
      default:
        return rounded
    }
  }

  private after(step: Step, state: StepState): Known {
    switch (step.kind) {
      case 'impute':
        return this.impute(step)
      case 'scale':
      case 'clip':
      case 'log':
        return this.retype(this.existing(step.columns, NUMBERS), 'DOUBLE')
      case 'bin':
        return this.retype(this.existing(step.columns, NUMBERS), 'BIGINT')
      case 'ordinal':
        this.existing(step.columns, CATEGORIES)
        this.orders(step)
        return this.retype(step.columns, 'BIGINT')
      case 'target':
        this.existing(step.columns, CATEGORIES)
        this.target(step)
        return this.retype(step.columns, 'DOUBLE')
      case 'one_hot':
        return this.oneHot(step, state)
      case 'date_parts':
        return this.dateParts(step)
      case 'hash':
        return this.hash(step)
      case 'interact':
        this.existing(step.columns, NUMBERS)
        return this.add(productsOf(step).map(factors => ({ name: productName(factors), type: 'DOUBLE' })))
      case 'select':
        return this.select(step.columns)
      case 'drop':
        return this.without(this.existing(step.columns))
      case 'filter':
        return this.before
      case 'sql':
        return this.sql(step)
    }
  }

  private impute(step: StepOf<'impute'>): Known {
    const isComputed = step.strategy === 'mean' || step.strategy === 'median'
    const there = this.existing(step.columns, isComputed ? NUMBERS : [...CATEGORIES, ...TIMES])
    if (step.value !== undefined) {
      for (const column of there) this.fitting(column, step.value, ['value'])
    }
    const known = isComputed ? this.retype(there, 'DOUBLE') : this.before
    if (step.indicator !== true) return known
    return this.add(
      there.map(column => ({ name: `${column}_missing`, type: 'BIGINT' })),
      known,
    )
  }

  private orders({ order = {} }: StepOf<'ordinal'>): void {
    for (const [column, values] of Object.entries(order)) {
      for (const [i, value] of values.entries()) this.fitting(column, value, ['order', column, i])
    }
  }

  private target({ target, columns }: StepOf<'target'>): void {
    if (this.absent.has(target)) return
    const at = ['target']
    if (this.isThere(target, at)) this.ofKind(target, [...NUMBERS, 'boolean'], at)
    if (columns.includes(target)) this.wrong(at, `"${target}" cannot be encoded by itself.`)
  }

  private oneHot(step: StepOf<'one_hot'>, state: StepState): Known {
    const there = this.existing(step.columns, CATEGORIES)
    const left = step.dropOriginal === false ? this.before : this.without(there)
    if (state?.kind !== 'one_hot') {
      return { ...left, open: [...left.open, ...there.map(column => `${column}_`)] }
    }
    const names = state.columns.flatMap(({ names: own, infrequent, missing }) => [
      ...own.map(({ name }) => name),
      ...(infrequent === null ? [] : [infrequent.name]),
      ...(missing === null ? [] : [missing]),
    ])
    return this.add(
      names.map(name => ({ name, type: 'BIGINT' })),
      left,
    )
  }

  private dateParts(step: StepOf<'date_parts'>): Known {
    const there = this.existing(step.columns, TIMES)
    const left = step.dropOriginal === false ? this.before : this.without(there)
    return this.add(
      there.flatMap(column => datePartNames(column, step).map(({ name, type }) => ({ name, type }))),
      left,
    )
  }

  private hash({ columns, buckets, tokens = false }: StepOf<'hash'>): Known {
    const there = this.existing(columns, ['string'])
    if (!tokens) return this.retype(there, 'BIGINT')
    const counts = there.flatMap(column =>
      Array.from({ length: buckets }, (_, i) => ({ name: `${column}_${i}`, type: 'BIGINT' })),
    )
    return this.add(counts, this.without(there))
  }

  private select(columns: readonly string[]): Known {
    const kept = this.existing(columns).map(name => this.column(name) ?? { name, type: 'BIGINT' })
    return { columns: kept, open: [] }
  }

  private sql({ columns: made }: StepOf<'sql'>): Known {
    const names = Object.keys(made)
    const replaced = this.before.columns.map(column =>
      Object.hasOwn(made, column.name) ? { name: column.name, type: null } : column,
    )
    const added = names.filter(name => this.column(name) === undefined).map(name => ({ name, type: null }))
    return this.add(added, { ...this.before, columns: replaced })
  }

  private retype(columns: readonly string[], type: string): Known {
    const retyped = this.before.columns.map(column =>
      columns.includes(column.name) ? { name: column.name, type } : column,
    )
    return { ...this.before, columns: retyped }
  }

  private without(columns: readonly string[]): Known {
    return {
      ...this.before,
      columns: this.before.columns.filter(({ name }) => !columns.includes(name)),
    }
  }

  private add(added: readonly KnownColumn[], to: Known = this.before): Known {
    const names = new Set(to.columns.map(({ name }) => name.toLowerCase()))
    for (const { name } of added) {
      if (names.has(name.toLowerCase())) this.wrong(['columns'], `There would be two columns "${name}".`)
      names.add(name.toLowerCase())
    }
    return { ...to, columns: [...to.columns, ...added] }
  }

  /** Those of the columns that are there; others, and those of a wrong kind, are problems. */
  private existing(columns: readonly string[], kinds?: readonly ColumnKind[]): string[] {
    return columns.filter((column, i) => {
      if (this.absent.has(column)) return false
      const at = ['columns', i]
      if (!this.isThere(column, at)) return false
      if (kinds !== undefined) this.ofKind(column, kinds, at)
      return true
    })
  }

  private isThere(name: string, at: Path): boolean {
    if (this.column(name) !== undefined) return true
    if (this.before.open.some(prefix => name.startsWith(prefix))) return true
    const names = this.before.columns.map(column => column.name)
    this.wrong(at, `There is no column "${name}" here.${didYouMean(name, names)}`)
    return false
  }

  private ofKind(name: string, kinds: readonly ColumnKind[], at: Path): void {
    const type = this.column(name)?.type ?? null
    if (type === null || kinds.includes(kindOfType(type))) return
    this.wrong(at, `"${name}" is ${type}; this step is for columns of ${kinds.join(', ')}.`)
  }

  private fitting(name: string, value: Scalar, at: Path): void {
    const type = this.column(name)?.type ?? null
    if (type === null) return
    const kind = kindOfType(type)
    const isFit =
      kind === 'integer'
        ? Number.isSafeInteger(value) || (typeof value === 'string' && /^-?\d+$/.test(value))
        : typeof value === (kind === 'number' ? 'number' : kind === 'boolean' ? 'boolean' : 'string')
    if (!isFit) this.wrong(at, `${JSON.stringify(value)} is no value of "${name}", which is ${type}.`)
  }

  private column(name: string): KnownColumn | undefined {
    return this.before.columns.find(column => column.name === name)
  }

  private wrong(at: Path, message: string): void {
    this.problems.push({ path: [...this.path, ...at], message })
  }
}

function logarithm(column: string, kind: Step['kind']): string {
  return `"${column}" is a logarithm, or made of one, whose last bit depends on the library. Put ${kind} before it.`
}

/** A name that no column has yet: the name itself, or with `_2`, `_3` and so on. */
export function freeName(wanted: string, taken: readonly string[]): string {
  let name = wanted
  for (let i = 2; taken.some(other => isSameName(other, name)); i++) name = `${wanted}_${i}`
  return name
}
