import { closeSync, openSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { DuckDBType, DuckDBValue } from '@duckdb/node-api'
import type { DataType, Schema } from 'apache-arrow'
import {
  type ArrowFrame,
  arrowMalformed,
  batchTooLarge,
  MAX_BATCH_BYTES,
} from '../../../domain/datasets/arrow-check.js'
import { MlforgeError } from '../../../domain/errors.js'
import type { AppendedRows } from '../duckdb.js'
import { assertColumns } from '../parquet-sql.js'
import { type Column, readColumn } from './columns.js'
import { framesOf, messageOf } from './frames.js'
import { type BatchHeader, BatchParts } from './parts.js'
import { duckDbType, unread } from './types.js'

/** Rows of a chunk of DuckDB. */
const CHUNK_ROWS = 2_048
/** Texts of a chunk are held until it is appended. */
const CHUNK_VALUES = 1 << 18
/** Of columns without values there may be any number in no bytes. */
const MAX_BATCH_ROWS = 1 << 27

interface Dictionary {
  readonly column: Column
  readonly bytes: number
}

/** A file of Arrow IPC, which is read a record batch at a time. */
export class ArrowTable {
  private readonly dictionaries = new Map<number, Dictionary>()

  private constructor(
    private readonly file: number,
    private readonly frames: readonly ArrowFrame[],
    private readonly schema: Schema,
    readonly columns: ReadonlyMap<string, DuckDBType>,
  ) {}

  /** @throws MlforgeError arrow_malformed, arrow_batch_too_large, duplicate_columns, format_unsupported, type_unsupported */
  static async open(path: string): Promise<ArrowTable> {
    const file = openSync(path, 'r')
    try {
      const { schema, frames } = await framesOf(path, file)
      const names = schema.fields.map(({ name }) => name)
      const nameless = names.findIndex(name => !name)
      if (names.length === 0) throw new RangeError('it has no columns')
      if (nameless >= 0) throw new RangeError(`column ${nameless + 1} has no name`)
      assertColumns(names, arrowMalformed)
      const types = schema.fields.map(({ name, type }) => [name, duckDbType(name, type as DataType)] as const)
      return new ArrowTable(file, frames, schema, new Map(types))
    } catch (error) {
      closeSync(file)
      return refused(error)
    }
  }

  close(): void {
    closeSync(this.file)
  }

  /** All rows, some at a time. @throws MlforgeError as `open` */
  async *chunks(): AsyncGenerator<AppendedRows> {
    for (const frame of this.frames) {
      if (frame.kind === 'records') yield* this.rowsOf(frame)
      else if (frame.kind === 'dictionary') ofTheFile(() => this.takeDictionary(frame))
    }
  }

  private async *rowsOf(frame: ArrowFrame): AsyncGenerator<AppendedRows> {
    const { length, columns } = ofTheFile(() => this.readBatch(frame))
    const most = Math.max(1, Math.min(CHUNK_ROWS, Math.floor(CHUNK_VALUES / columns.length)))
    for (let from = 0; from < length; from += most) {
      const rows = Math.min(most, length - from)
      yield { rows, columns: valuesOf(columns, from, rows) }
      await nextTurn()
    }
  }

  private readBatch(frame: ArrowFrame): { readonly length: number; readonly columns: readonly Column[] } {
    const header = messageOf(this.file, frame).header() as BatchHeader & { readonly length: number }
    const { length } = header
    if (length < 0 || length > MAX_BATCH_ROWS) throw new RangeError(`a record batch of ${length} rows`)
    const parts = new BatchParts(this.file, header, frame.body)
    const values = new Map([...this.dictionaries].map(([id, { column }]) => [id, column]))
    const columns = this.schema.fields.map(({ type }) => readColumn(type as DataType, parts, values))
    const other = columns.find(column => column.length !== length)
    if (other) throw new RangeError(`a column of ${other.length} rows in a record batch of ${length}`)
    return { length, columns }
  }

  private takeDictionary(frame: ArrowFrame): void {
    const { id, isDelta, data } = messageOf(this.file, frame).header() as {
      readonly id: number
      readonly isDelta: boolean
      readonly data: BatchHeader
    }
    const type = this.schema.dictionaries.get(id)
    if (!type) throw new RangeError(`dictionary ${id}, which no column has`)
    const parts = new BatchParts(this.file, data, frame.body)
    const values = new Map([...this.dictionaries].map(([each, { column }]) => [each, column]))
    const column = readColumn(type, parts, values)
    const before = isDelta ? this.dictionaries.get(id) : undefined
    const bytes = parts.bytes + (before?.bytes ?? 0)
    this.dictionaries.set(id, { column: before ? both(before.column, column) : column, bytes })
    const total = [...this.dictionaries.values()].reduce((sum, each) => sum + each.bytes, 0)
    if (total > MAX_BATCH_BYTES) throw batchTooLarge(total)
  }
}

function* valuesOf(columns: readonly Column[], from: number, rows: number): Generator<DuckDBValue[]> {
  for (const { get } of columns) {
    yield ofTheFile(() => Array.from({ length: rows }, (_, i) => get(from + i)))
  }
}

function both(one: Column, other: Column): Column {
  const get: Column['get'] = row => (row < one.length ? one.get(row) : other.get(row - one.length))
  return { length: one.length + other.length, get }
}

/** What goes wrong while a file is taken apart is wrong with the file. */
function ofTheFile<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    return refused(error)
  }
}

function refused(error: unknown): never {
  if (error instanceof MlforgeError) throw error
  const { message } = error as Error
  const [, type] = /^Unrecognized type: "(?!undefined)(\w+)"/.exec(message) ?? []
  throw type ? unread(`The file has a column of type ${type}`) : arrowMalformed(message)
}
