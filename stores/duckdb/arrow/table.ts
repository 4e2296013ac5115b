import { closeSync, createReadStream, openSync, readSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { DuckDBType, DuckDBValue } from '@duckdb/node-api'
import { type DataType, Message, type Schema } from 'apache-arrow'
import { Footer } from 'apache-arrow/ipc/metadata/file'
import {
  ArrowChecker,
  type ArrowFooter,
  type ArrowFrame,
  arrowMalformed,
  batchTooLarge,
  bigEndian,
  MAX_BATCH_BYTES,
} from '../../../domain/datasets/arrow-check.js'
import { isBigEndianFooter } from '../../../domain/datasets/arrow-message.js'
import { typedStart } from '../../../domain/datasets/file-kind.js'
import { MlforgeError } from '../../../domain/errors.js'
import { assertColumns } from '../parquet-sql.js'
import { type Column, readColumn } from './columns.js'
import { type BatchHeader, BatchParts } from './parts.js'
import { duckDbType, unread } from './types.js'

/** Bytes ahead of the metadata of a message. */
const PREFIX = 8
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
    /** In a file dictionaries may stand behind what points into them: here they come first. */
    private readonly frames: readonly ArrowFrame[],
    private readonly schema: Schema,
    readonly columns: ReadonlyMap<string, DuckDBType>,
  ) {}

  /** @throws MlforgeError arrow_malformed, arrow_batch_too_large, duplicate_columns, format_unsupported, type_unsupported */
  static async open(path: string): Promise<ArrowTable> {
    const found = await framesOf(path)
    const file = openSync(path, 'r')
    return ofTheFile(() => {
      const { schema, frames } = found.footer
        ? byFooter(file, found.footer, found.frames)
        : { schema: messageOf(file, found.frames[0]!).header() as Schema, frames: found.frames }
      const names = schema.fields.map(({ name }) => name)
      if (names.length === 0) throw new RangeError('it has no columns')
      if (names.some(name => !name))
        throw new RangeError(`column ${names.findIndex(name => !name) + 1} has no name`)
      assertColumns(names, arrowMalformed)
      const types = schema.fields.map(({ name, type }) => [name, duckDbType(name, type as DataType)] as const)
      return new ArrowTable(file, frames, schema, new Map(types))
    })
  }

  close(): void {
    closeSync(this.file)
  }

  /** Values by column, some thousand rows at a time. @throws MlforgeError as `open` */
  async *chunks(): AsyncGenerator<DuckDBValue[][]> {
    for (const frame of this.frames) {
      if (frame.kind === 'records') yield* this.rowsOf(frame)
      else if (frame.kind === 'dictionary') ofTheFile(() => this.takeDictionary(frame))
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

interface Found {
  readonly frames: readonly ArrowFrame[]
  readonly footer: ArrowFooter | null
}

/** The messages of a file, checked as an upload is. */
async function framesOf(path: string): Promise<Found> {
  const frames: ArrowFrame[] = []
  let checker: ArrowChecker | undefined
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    const { isStream } = typedStart(chunk as Uint8Array) ?? {}
    checker ??= new ArrowChecker(isStream ? 'stream' : 'file', frame => void frames.push(frame))
    checker.push(chunk as Uint8Array)
  }
  if (!checker) throw arrowMalformed('it is empty')
  return { frames, footer: checker.end() }
}

/** What counts in a file is its footer: it has the schema, and says which messages there are. */
function byFooter(
  file: number,
  footer: ArrowFooter,
  frames: readonly ArrowFrame[],
): { readonly schema: Schema; readonly frames: readonly ArrowFrame[] } {
  const bytes = bytesOf(file, footer)
  if (isBigEndianFooter(bytes)) throw bigEndian()
  const { schema, ...blocks } = decoded(bytes)
  const starts = new Map(frames.map(frame => [frame.metadata.from - PREFIX, frame]))
  const listed = [...blocks.dictionaries, ...blocks.records].map(offset => starts.get(offset))
  const all = frames.filter(({ kind }) => kind !== 'schema')
  if (listed.length !== all.length || listed.some(frame => frame === undefined)) {
    throw new RangeError('its footer does not have the messages that are there')
  }
  return { schema, frames: listed as ArrowFrame[] }
}

function decoded(bytes: Uint8Array): {
  readonly schema: Schema
  readonly dictionaries: readonly number[]
  readonly records: readonly number[]
} {
  const footer = Footer.decode(bytes)
  const offsets = (blocks: Iterable<{ readonly offset: number }>) => [...blocks].map(({ offset }) => offset)
  return {
    schema: footer.schema,
    dictionaries: offsets(footer.dictionaryBatches()),
    records: offsets(footer.recordBatches()),
  }
}

function messageOf(file: number, { metadata }: ArrowFrame): Message {
  return Message.decode(bytesOf(file, metadata))
}

function bytesOf(file: number, { from, bytes: length }: ArrowFrame['metadata']): Uint8Array {
  const bytes = new Uint8Array(length)
  if (readSync(file, bytes, 0, length, from) < length) throw new RangeError('it ends too early')
  return bytes
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
