import { type Condition, parseCondition } from '../../../domain/expectations/conditions.js'
import type { Expectation } from '../../../domain/expectations/expectation.js'
import { name } from '../duckdb.js'
import { isIn, literal } from './literals.js'
import { isFloat, ROW, type Types } from './table.js'

/**
 * What the expressions of one statement share: each is computed once, in an inner SELECT under a name of its
 * own, however many expectations look at it.
 */
export class Scope {
  private readonly inner = new Map<string, string>()
  private readonly outer = new Map<string, string>()
  private readonly windows = new Map<string, string>()

  constructor(
    readonly types: Types,
    readonly now: string,
  ) {}

  typeOf(column: string): string {
    return this.types.get(column)!
  }

  /** A column without NaN, unless that counts as a value. Written out each time: a SELECT of it would cost more. */
  value(column: string, { nan = 'missing' }: Pick<Expectation, 'nan'>): string {
    const type = this.typeOf(column)
    return isFloat(type) && nan === 'missing' ? `nullif(${name(column)}, 'NaN'::${type})` : name(column)
  }

  /** True for rows that are looked at; undefined when all are. */
  condition({ row_condition: source, nan }: Pick<Expectation, 'row_condition' | 'nan'>): string | undefined {
    if (source === undefined) return undefined
    const sql = this.conditionSql(parseCondition(source), nan)
    return this.named(this.inner, `coalesce(${sql}, false)`, 'c')
  }

  /** The value, of rows that are looked at. */
  conditional(column: string, expectation: Expectation): string {
    const [value, condition] = [this.value(column, expectation), this.condition(expectation)]
    return condition === undefined ? value : this.computed(`CASE WHEN ${condition} THEN ${value} END`)
  }

  /** The value of the row before that has one. */
  previous(column: string, expectation: Expectation): string {
    const value = this.conditional(column, expectation)
    return this.named(this.windows, `lag(${value} IGNORE NULLS) OVER (ORDER BY ${ROW})`, 'w')
  }

  /** An expression over values and conditions, under a name. */
  computed(sql: string): string {
    return this.named(this.outer, sql, 'x')
  }

  /** What the statement selects from. */
  from(): string {
    let source = 't'
    for (const [prefix, level] of [
      ['v', this.inner],
      ['x', this.outer],
      ['w', this.windows],
    ] as const) {
      if (level.size === 0) continue
      const added = [...level].map(([sql, as]) => `${sql} AS ${as}`)
      source = `(SELECT *, ${added.join(', ')} FROM ${source}) AS __mlforge_${prefix}`
    }
    return source
  }

  private named(level: Map<string, string>, sql: string, prefix: string): string {
    const known = level.get(sql)
    if (known !== undefined) return known
    const as = `__mlforge_${prefix}${level.size}`
    level.set(sql, as)
    return as
  }

  private conditionSql(condition: Condition, nan: Expectation['nan'] = 'missing'): string {
    if (condition.op === 'and' || condition.op === 'or') {
      return `(${condition.of.map(part => this.conditionSql(part, nan)).join(` ${condition.op.toUpperCase()} `)})`
    }
    const { column } = condition
    const type = this.typeOf(column)
    const value = this.value(column, { nan })
    switch (condition.op) {
      case 'compare':
        return `${value} ${condition.sign === '==' ? '=' : condition.sign === '!=' ? '<>' : condition.sign} ${literal(condition.value, type)}`
      case 'in':
        return isIn(value, condition.values, type)
      case 'not in':
        return `NOT ${isIn(value, condition.values, type)}`
      case 'null':
        return `${value} IS NULL`
      case 'not null':
        return `${value} IS NOT NULL`
    }
  }
}

/** Numbers of rows for which an expression is true. */
export const countOf = (condition: string): string => `count(CASE WHEN ${condition} THEN 1 END)`

export const both = (...conditions: readonly (string | undefined)[]): string => {
  const given = conditions.filter(condition => condition !== undefined)
  return given.length === 0 ? 'true' : given.map(condition => `(${condition})`).join(' AND ')
}
