import { closeSync, createReadStream, openSync, readSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { DuckDBType, DuckDBValue } from '@duckdb/node-api'
import { type DataType, Message, type Schema } from 'apache-arrow'
import {
  ArrowChecker,
  type ArrowForm,
  type ArrowFrame,
  arrowMalformed,
  batchTooLarge,
  MAX_BATCH_BYTES,
} from '../../../domain/datasets/arrow-check.js'
import { typedStart } from '../../../domain/datasets/file-kind.js'
import { MlforgeError } from '../../../domain/errors.js'
import { assertColumns } from '../parquet-sql.js'
import { type Column, readColumn } from './columns.js'
import { type BatchHeader, BatchParts } from './parts.js'
import { duckDbType, unread } from './types.js'

/** Rows of a chunk of DuckDB. */
const CHUNK_ROWS = 2_048
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
    private readonly form: ArrowForm,
    private readonly frames: readonly ArrowFrame[],
    private readonly schema: Schema,
    readonly columns: ReadonlyMap<string, DuckDBType>,
  ) {}

  /** @throws MlforgeError arrow_malformed, arrow_batch_too_large, duplicate_columns, format_unsupported, type_unsupported */
  static async open(path: string): Promise<ArrowTable> {
    const { form, frames } = await framesOf(path)
    const file = openSync(path, 'r')
    return ofTheFile(() => {
      const schema = messageOf(file, frames[0]!).header() as Schema
      const names = schema.fields.map(({ name }) => name)
      if (names.length === 0) throw new RangeError('it has no columns')
      if (names.some(name => !name))
        throw new RangeError(`column ${names.findIndex(name => !name) + 1} has no name`)
      assertColumns(names, arrowMalformed)
      const types = schema.fields.map(({ name, type }) => [name, duckDbType(name, type as DataType)] as const)
      return new ArrowTable(file, form, frames, schema, new Map(types))
    })
  }

  close(): void {
    closeSync(this.file)
  }

  /** Values by column, some thousand rows at a time. @throws MlforgeError as `open` */
  async *chunks(): AsyncGenerator<DuckDBValue[][]> {
    // In a file a dictionary may stand behind what points into it.
    const isDictionary = ({ kind }: ArrowFrame): boolean => kind === 'dictionary'
    if (this.form === 'file') {
      for (const frame of this.frames.filter(isDictionary)) ofTheFile(() => this.takeDictionary(frame))
    }
    for (const frame of this.frames) {
      if (frame.kind === 'records') yield* this.rowsOf(frame)
      else if (this.form === 'stream' && isDictionary(frame)) ofTheFile(() => this.takeDictionary(frame))
    }
  }

  private async *rowsOf(frame: ArrowFrame): AsyncGenerator<DuckDBValue[][]> {
    const { length, columns } = ofTheFile(() => this.readBatch(frame))
    for (let from = 0; from < length; from += CHUNK_ROWS) {
      const rows = Math.min(CHUNK_ROWS, length - from)
      yield ofTheFile(() => columns.map(({ get }) => Array.from({ length: rows }, (_, i) => get(from + i))))
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

function both(one: Column, other: Column): Column {
  const get: Column['get'] = row => (row < one.length ? one.get(row) : other.get(row - one.length))
  return { length: one.length + other.length, get }
}

/** The messages of a file, checked as an upload is. */
async function framesOf(path: string): Promise<{ readonly form: ArrowForm; readonly frames: ArrowFrame[] }> {
  const frames: ArrowFrame[] = []
  let form: ArrowForm | undefined
  let checker: ArrowChecker | undefined
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    form ??= typedStart(chunk as Uint8Array)?.isStream ? 'stream' : 'file'
    checker ??= new ArrowChecker(form, frame => void frames.push(frame))
    checker.push(chunk as Uint8Array)
  }
  if (!checker) throw arrowMalformed('it is empty')
  checker.end()
  return { form: form!, frames }
}

function messageOf(file: number, { metadata }: ArrowFrame): Message {
  const bytes = new Uint8Array(metadata.bytes)
  if (readSync(file, bytes, 0, bytes.length, metadata.from) < bytes.length) {
    throw new RangeError('a message past the end of the file')
  }
  return Message.decode(bytes)
}

/** What goes wrong while a file is taken apart is wrong with the file. */
function ofTheFile<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof MlforgeError) throw error
    const { message } = error as Error
    const [, type] = /^Unrecognized type: "(\w*)"/.exec(message) ?? []
    throw type ? unread(`The file has a column of type ${type}`) : arrowMalformed(message)
  }
}
