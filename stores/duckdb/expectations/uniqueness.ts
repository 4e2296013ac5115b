import type { Expectation, Scalar } from '../../../domain/expectations/expectation.js'
import { distinctOf } from '../../../domain/expectations/judge.js'
import type { Measure } from '../../../domain/expectations/needs.js'
import { SHOWN } from '../../../domain/expectations/outcome.js'
import { isIn, literal } from './literals.js'
import { isJudged, judgedColumns } from './judged.js'
import { both, type Scope } from './scope.js'

/** The keys of one statement, each of some columns: rows are grouped by all of them in one pass. */
export class Keys {
  private readonly sets: (readonly string[])[] = []
  private readonly names = new Map<string, string>()

  constructor(private readonly scope: Scope) {}

  /** An aggregate over the groups of an expectation's key. */
  measure(measure: Measure, expectation: Expectation): string {
    const { group, key } = this.keyOf(expectation)
    const { value_set: set } = expectation
    const type = this.scope.typeOf(judgedColumns(expectation)[0]!)
    const among = (aggregate: string, condition?: string): string =>
      `${aggregate} FILTER (${both(group, condition)})`
    switch (measure) {
      case 'unexpected':
        return `coalesce(${among('sum(__mlforge_n)', '__mlforge_n > 1')}, 0)::BIGINT`
      case 'repeated':
        return among('count(*)', '__mlforge_n > 1')
      case 'foreign': {
        const foreign = `NOT ${isIn(key, set!, type)}`
        return `{count: ${among('count(*)', foreign)}, values: ${among(`min(${key}, ${SHOWN})`, foreign)}}`
      }
      case 'present':
        return among(`list(${placeOf(key, set!, type)})`, isIn(key, set!, type))
      case 'modes':
        return `{values: ${among(`max_by(${key}, __mlforge_n, ${SHOWN})`)}, counts: ${among(`max(__mlforge_n, ${SHOWN})`)}, in_set: ${among('max(__mlforge_n)', isIn(key, set!, type))}}`
      case 'frequencies': {
        const { values } = expectation.partition_object!
        const named = isIn(key, values!, type)
        const counts = `${among(`list({place: ${placeOf(key, values!, type)}, n: __mlforge_n})`, named)}`
        const others = ['count(*)', 'sum(__mlforge_n)', 'sum(__mlforge_n * ln(__mlforge_n))'].map(aggregate =>
          among(aggregate, `NOT ${named}`),
        )
        return `{counts: ${counts}, values: ${others[0]}, rows: ${others[1]}, n_log_n: ${others[2]}}`
      }
      default:
        return among('count(*)')
    }
  }

  /** The whole statement. */
  statement(measures: readonly string[]): string {
    const columns = [...this.names].map(([sql, as]) => `${sql} AS ${as}`)
    const all = [...this.names.values()]
    const sets = this.sets.map(set => `(${set.join(', ')})`)
    const marks = this.sets.map((set, i) => {
      const grouped = all.map(key => `GROUPING(${key}) = ${set.includes(key) ? 0 : 1}`)
      return `${grouped.join(' AND ')} AS __mlforge_g${i}`
    })
    return `SELECT ${measures.join(', ')} FROM (
      SELECT ${all.join(', ')}, ${marks.join(', ')}, count(*) AS __mlforge_n
      FROM (SELECT ${columns.join(', ')} FROM ${this.scope.from()})
      GROUP BY GROUPING SETS (${sets.join(', ')}))`
  }

  /** The groups of a key that are judged, and what a key of one column is called. */
  private keyOf(expectation: Expectation): { group: string; key: string } {
    const columns = judgedColumns(expectation)
    const condition = this.scope.condition(expectation)
    const single = columns.length === 1
    const keys = columns.map(column =>
      this.name(single ? this.scope.conditional(column, expectation) : this.scope.value(column, expectation)),
    )
    if (single) return { group: both(this.group(keys), `${keys[0]} IS NOT NULL`), key: keys[0]! }
    const judged = isJudged(expectation, column => keys[columns.indexOf(column)]!)
    // Which rows are judged is said by the key itself, but for a row condition.
    const mark = condition === undefined ? [] : [this.name(condition)]
    return { group: both(this.group([...mark, ...keys]), mark[0], judged), key: keys[0]! }
  }

  private name(sql: string): string {
    const known = this.names.get(sql)
    if (known !== undefined) return known
    const as = `__mlforge_k${this.names.size}`
    this.names.set(sql, as)
    return as
  }

  private group(selected: readonly string[]): string {
    const sorted = selected.toSorted()
    let at = this.sets.findIndex(set => set.join() === sorted.join())
    if (at < 0) at = this.sets.push(sorted) - 1
    return `__mlforge_g${at}`
  }
}

/** The place of a value in a set, from 0. */
function placeOf(key: string, set: readonly Scalar[], type: string): string {
  const values = distinctOf(set)
  const branches = values.map((value, i) => `WHEN ${key} = ${literal(value, type)} THEN ${i}`)
  return `CASE ${branches.join(' ')} END`
}
