import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  DuckDBDataChunk,
  type DuckDBType,
  type DuckDBValue,
  VARCHAR,
} from '@duckdb/node-api'
import type { ColumnDeclaration, ColumnType } from '../../contracts/rest/datasets.js'
import { MlforgeError, type Problem } from '../../domain/errors.js'

/** What a cell may be given as; Date is a timestamp. Missing is null or undefined. */
export type Given = boolean | number | bigint | string | Date | null | undefined

const CHUNK_ROWS = 2048
/** How values get into DuckDB, and what they are in a table where nothing is declared. */
export interface Stage {
  readonly type: DuckDBType
  readonly as: ColumnType
  value(given: NonNullable<Given>): DuckDBValue
}

const STAGES = {
  boolean: { type: BOOLEAN, as: 'boolean', value: given => given as boolean },
  integer: { type: BIGINT, as: 'integer', value: given => BigInt(given as number) },
  number: { type: DOUBLE, as: 'number', value: given => Number(given) },
  string: { type: VARCHAR, as: 'string', value: String },
  date: { type: VARCHAR, as: 'timestamp', value: given => iso(given as Date) },
} as const satisfies Record<string, Stage>

/**
 * How the values of a column get into DuckDB: as what they are in JavaScript.
 * @throws MlforgeError types_mixed, invalid_request
 */
export function stageOf(
  column: string,
  values: readonly Given[],
  declared: ColumnDeclaration | undefined,
): Stage {
  const kinds = new Set<keyof typeof STAGES>()
  for (const value of values) if (value !== null && value !== undefined) kinds.add(kindOf(column, value))
  if (kinds.has('number')) kinds.delete('integer')
  if (declared && (kinds.size === 0 || (kinds.has('date') && kinds.size === 1))) return STAGES.date
  if (declared?.type === 'number' && kinds.has('integer')) return STAGES.number
  const [kind, ...more] = kinds
  if (more.length > 0) {
    throw new MlforgeError(
      'types_mixed',
      `Column "${column}" holds ${[...kinds].join(' and ')} values. Make them one.`,
      {
        problems: [{ at: `columns.${column}`, message: `holds ${[...kinds].join(' and ')}` }],
      },
    )
  }
  if (kind === undefined) throw invalid(column, 'has no value at all: declare its type in `columns`')
  return STAGES[kind]
}

function kindOf(column: string, value: NonNullable<Given>): keyof typeof STAGES {
  switch (typeof value) {
    case 'boolean':
    case 'string':
      return typeof value as 'boolean' | 'string'
    case 'bigint':
      return 'integer'
    case 'number':
      return Number.isSafeInteger(value) ? 'integer' : 'number'
    default:
      if (value instanceof Date && !Number.isNaN(value.getTime())) return 'date'
      throw invalid(column, `holds ${String(value)}, which is no value of a table`)
  }
}

function iso(value: Date): string {
  return value.toISOString().replace('Z', '')
}

/** Columns as DuckDB takes them. */
export function* chunks(
  columns: readonly (readonly Given[])[],
  stages: readonly Stage[],
  rows: number,
): Generator<DuckDBDataChunk> {
  const types = stages.map(({ type }) => type)
  for (let start = 0; start < rows; start += CHUNK_ROWS) {
    const chunk = DuckDBDataChunk.create(types, Math.min(CHUNK_ROWS, rows - start))
    chunk.setColumns(
      columns.map((values, i) =>
        values
          .slice(start, start + CHUNK_ROWS)
          .map(value => (value === null || value === undefined ? null : stages[i]!.value(value))),
      ),
    )
    yield chunk
  }
}

export function invalid(at: string, message: string): MlforgeError {
  const problem: Problem = { at, message }
  return new MlforgeError('invalid_request', `${at} ${message}.`, { problems: [problem] })
}

/** @throws MlforgeError duplicate_columns */
export function assertDistinct(names: readonly string[]): void {
  const first = new Map<string, string>()
  for (const each of names) {
    const other = first.get(each.toLowerCase())
    if (other !== undefined) {
      throw new MlforgeError(
        'duplicate_columns',
        `The columns "${other}" and "${each}" have one name; upper and lower case do not tell names apart.`,
        { columns: [other, each] },
      )
    }
    first.set(each.toLowerCase(), each)
  }
}
