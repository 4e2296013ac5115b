import { didYouMean } from '../../suggest.js'
import type { Path, PipelineProblem } from '../problems.js'
import { identifier, literal } from '../../duckdb/sql.js'
import { SQL_TYPES } from '../../duckdb/types.js'
import type { Operation, SortKey } from './operations.js'

/** An expression over the columns of the stage before. */
export interface Part {
  readonly path: Path
  readonly sql: string
  /** True where somebody wrote it: it may be no expression at all. */
  readonly isGiven: boolean
  /** What stands in its place where it is wrong, so that what comes after it can be looked at too. */
  readonly fallback: string
}

/** One operation as SQL. */
export interface Stage {
  readonly parts: readonly Part[]
  /**
   * @param from quoted name of the table before
   * @param parts as SQL, in their order
   */
  readonly select: (from: string, parts: readonly string[]) => string
}

/** What operations do to a table, one stage each, or everything that is wrong with them for its columns. */
export interface TransformPlan {
  readonly stages: readonly Stage[]
  readonly problems: readonly PipelineProblem[]
}

/**
 * Compiles operations that are well written (`operationProblems`) to SQL of DuckDB, for a table with these
 * columns. Columns are followed through: each operation sees what the one before has left.
 */
export function planTransform(operations: readonly Operation[], columns: readonly string[]): TransformPlan {
  const problems: PipelineProblem[] = []
  let known = columns
  const stages = operations.map((operation, i) => {
    const stage = new StageWriter(known, [i], problems).write(operation)
    known = stage.columns
    return stage
  })
  return { stages, problems }
}

class StageWriter {
  constructor(
    private readonly known: readonly string[],
    private readonly path: Path,
    private readonly problems: PipelineProblem[],
  ) {}

  write(operation: Operation): Stage & { readonly columns: readonly string[] } {
    switch (operation.kind) {
      case 'select': {
        const columns = this.existing(operation.columns)
        return this.plain(from => `SELECT ${columns.map(identifier).join(', ') || '*'} FROM ${from}`, columns)
      }
      case 'drop':
        return this.drop(this.existing(operation.columns))
      case 'rename':
        return this.rename(operation.columns)
      case 'filter': {
        const where = { path: [...this.path, 'where'], sql: operation.where, isGiven: true, fallback: 'true' }
        const select: Stage['select'] = (from, [sql]) => `SELECT * FROM ${from} WHERE (${sql}\n)`
        return { parts: [where], select, columns: this.known }
      }
      case 'derive':
        return this.derive(operation.columns)
      case 'cast':
        return this.replace('columns', operation.columns, (column, type) => `${column}::${SQL_TYPES[type]}`)
      case 'fillNull':
        return this.replace('values', operation.values, (column, value) => {
          return `coalesce(${column}, ${literal(value)})`
        })
      case 'clip':
        return this.replace('columns', operation.columns, (column, { min, max }) => {
          // For DuckDB NaN is above every number, and greatest() skips nulls: both stay what they are.
          const low = min === undefined ? '' : ` WHEN ${column} < ${literal(min)} THEN ${literal(min)}`
          const high = max === undefined ? '' : ` WHEN ${column} > ${literal(max)} THEN ${literal(max)}`
          return `CASE WHEN isnan(${column}::DOUBLE) THEN ${column}${low}${high} ELSE ${column} END`
        })
      case 'sort': {
        const by = this.sortKeys(operation.by).join(', ')
        return this.plain(from => `SELECT * FROM ${from}${by === '' ? '' : ` ORDER BY ${by}`}`)
      }
      case 'distinct': {
        const given = operation.columns === undefined ? this.known : this.existing(operation.columns)
        const first = `row_number() OVER (PARTITION BY ${given.map(identifier).join(', ')} ORDER BY ${this.row}) = 1`
        return this.plain(from => `${this.numbered(from)} QUALIFY ${first} ORDER BY ${this.row}`)
      }
      case 'sample': {
        const { fraction, seed = 0 } = operation
        // 53 bits of the fraction, as a share of all 64-bit numbers.
        const last = (BigInt(Math.floor(fraction * 2 ** 53)) << 11n) - 1n
        const drawn = `md5_number_lower('${seed}:' || ${this.row}) <= ${last < 0n ? 0n : last}::UBIGINT`
        return this.plain(from => `${this.numbered(from)} WHERE ${drawn}`)
      }
      case 'limit':
        return this.plain(from => `SELECT * FROM ${from} LIMIT ${operation.rows}`)
    }
  }

  private drop(dropped: readonly string[]): ReturnType<StageWriter['write']> {
    const columns = this.known.filter(column => !dropped.includes(column))
    if (columns.length === 0) this.wrong(['columns'], 'No column would be left.')
    const list = dropped.map(identifier).join(', ')
    return this.plain(from => `SELECT *${list === '' ? '' : ` EXCLUDE (${list})`} FROM ${from}`, columns)
  }

  private rename(renamed: Readonly<Record<string, string>>): ReturnType<StageWriter['write']> {
    this.existing(Object.keys(renamed), true)
    const columns = this.known.map(column => (Object.hasOwn(renamed, column) ? renamed[column]! : column))
    for (const [old, name] of Object.entries(renamed)) {
      const others = columns.filter(column => column.toLowerCase() === name.toLowerCase())
      if (others.length > 1) this.wrong(['columns', old], `There would be two columns "${name}".`)
    }
    const list = columns.map((name, i) => `${identifier(this.known[i]!)} AS ${identifier(name)}`)
    return this.plain(from => `SELECT ${list.join(', ')} FROM ${from}`, columns)
  }

  private derive(made: Readonly<Record<string, string>>): ReturnType<StageWriter['write']> {
    const names = Object.keys(made)
    for (const [at, name] of names.entries()) {
      const before = [...this.known, ...names.slice(0, at)]
      const other = before.find(each => each !== name && each.toLowerCase() === name.toLowerCase())
      if (other !== undefined) this.wrong(['columns', name], `"${name}" and "${other}" are one name in SQL.`)
    }
    const isNew = names.map(name => !this.known.includes(name))
    const parts = names.map(name => ({
      path: [...this.path, 'columns', name],
      sql: made[name]!,
      isGiven: true,
      fallback: 'NULL',
    }))
    const select: Stage['select'] = (from, expressions) => {
      const written = expressions.map((sql, i) => `(${sql}\n) AS ${identifier(names[i]!)}`)
      const replaced = written.filter((_, i) => !isNew[i])
      const added = written.filter((_, i) => isNew[i])
      const star = `*${replaced.length > 0 ? ` REPLACE (${replaced.join(', ')})` : ''}`
      return `SELECT ${[star, ...added].join(', ')} FROM ${from}`
    }
    return { parts, select, columns: [...this.known, ...names.filter((_, i) => isNew[i])] }
  }

  /** Other values in columns that are there. */
  private replace<T>(
    field: string,
    values: Readonly<Record<string, T>>,
    sqlOf: (column: string, value: T) => string,
  ): ReturnType<StageWriter['write']> {
    const names = this.existing(Object.keys(values), true, field)
    const parts = names.map(name => ({
      path: [...this.path, field, name],
      sql: sqlOf(identifier(name), values[name]!),
      isGiven: false,
      fallback: identifier(name),
    }))
    const select: Stage['select'] = (from, expressions) => {
      const list = expressions.map((sql, i) => `${sql} AS ${identifier(names[i]!)}`).join(', ')
      return `SELECT *${list === '' ? '' : ` REPLACE (${list})`} FROM ${from}`
    }
    return { parts, select, columns: this.known }
  }

  private sortKeys(by: readonly SortKey[]): string[] {
    return by.flatMap((key, i) => {
      const { column, order = 'asc' } = typeof key === 'string' ? { column: key } : key
      const at = typeof key === 'string' ? ['by', i] : ['by', i, 'column']
      return this.isThere(column, at) ? [`${identifier(column)} ${order} NULLS LAST`] : []
    })
  }

  private plain(
    select: (from: string) => string,
    columns: readonly string[] = this.known,
  ): ReturnType<StageWriter['write']> {
    return { parts: [], select, columns }
  }

  /** A name that no column has. */
  private get row(): string {
    let name = 'row'
    while (this.known.some(column => column.toLowerCase() === name)) name = `_${name}`
    return identifier(name)
  }

  private numbered(from: string): string {
    return `SELECT * EXCLUDE (${this.row}) FROM (SELECT *, row_number() OVER () AS ${this.row} FROM ${from})`
  }

  /** Those of the columns that are there; the others are problems. */
  private existing(columns: readonly string[], isByName = false, field = 'columns'): string[] {
    return columns.filter((column, i) => this.isThere(column, [field, isByName ? column : i]))
  }

  private isThere(column: string, at: Path): boolean {
    if (this.known.includes(column)) return true
    this.wrong(at, `There is no column "${column}" here.${didYouMean(column, this.known)}`)
    return false
  }

  private wrong(at: Path, message: string): void {
    this.problems.push({ path: [...this.path, ...at], message })
  }
}
