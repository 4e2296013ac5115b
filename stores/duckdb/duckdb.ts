import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBInstance,
  type DuckDBType,
  type DuckDBValue,
  version,
} from '@duckdb/node-api'
import { identifier as name, text } from '../../domain/duckdb/sql.js'
import { fullDisk } from '../full-disk.js'

export interface DuckDbOptions {
  /** Default 2. */
  readonly threads?: number
  /** As DuckDB writes it; past it, operators spill to the temporary directory. Default 1GB. */
  readonly memoryLimit?: string
  /** Where a directory for spilling is made and removed again. Default: the system's. */
  readonly temporaryDirectory?: string
  readonly signal?: AbortSignal
}

/** A value that JSON can hold: NaN and infinities, and integers past 2^53, are text. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue }

export type JsonRow = Record<string, JsonValue>

/** Rows to be appended, at most 2,048. */
export interface AppendedRows {
  readonly rows: number
  /** All columns of the table. */
  readonly columns: Iterable<readonly DuckDBValue[]>
}

/** Of 2,048 rows each, which are copied on the event loop. */
const CHUNKS_A_TURN = 16

/** Values that an appender keeps. */
const APPENDED_VALUES = 1 << 22

/** Goes into the identity of what DuckDB converts. */
export const DUCKDB_VERSION = `duckdb ${version()}`

/** Connection to a database in memory that lives as long as one `withDuckDb`. */
export class DuckDb {
  constructor(
    private readonly connection: DuckDBConnection,
    private readonly signal: AbortSignal | undefined,
  ) {}

  async run(sql: string): Promise<void> {
    await this.interruptible(() => this.connection.run(sql))
  }

  /** All rows of a query: dates and timestamps as ISO 8601 text. */
  async query(sql: string): Promise<JsonRow[]> {
    const reader = await this.interruptible(() => this.connection.runAndReadAll(sql))
    const types = reader.columnTypes().map(String)
    const names = reader.columnNames()
    return reader
      .getRowsJson()
      .map(row =>
        Object.fromEntries(row.map((value, i) => [names[i]!, jsonValue(value as JsonValue, types[i]!)])),
      )
  }

  /** Binds one statement against the tables that are there, without running it. Returns how many parameters it has. */
  async bind(sql: string): Promise<number> {
    const prepared = await this.interruptible(() => this.connection.prepare(sql))
    try {
      return prepared.parameterCount
    } finally {
      prepared.destroySync()
    }
  }

  /** The columns of a query that are all DOUBLE, in row order; missing values are NaN. */
  async numbers(sql: string): Promise<Float64Array<ArrayBuffer>[]> {
    const result = await this.interruptible(() => this.connection.run(sql))
    const columns = Array.from({ length: result.columnCount }, () => new Float64Array(result.rowCount))
    let start = 0
    for (let i = 0; i < result.chunkCount; i++) {
      const chunk = result.getChunk(i)
      copyChunk(chunk, columns, start)
      start += chunk.rowCount
      if (i % CHUNKS_A_TURN === CHUNKS_A_TURN - 1) await nextTurn()
    }
    return columns
  }

  /** The same, some thousand rows at a time: a result that is larger than should be in memory. */
  async *batches(sql: string): AsyncGenerator<Float64Array[]> {
    const result = await this.interruptible(() => this.connection.stream(sql))
    for (;;) {
      const chunk = await this.interruptible(() => result.fetchChunk())
      if (chunk === null || chunk.rowCount === 0) return
      const columns = Array.from({ length: chunk.columnCount }, () => new Float64Array(chunk.rowCount))
      copyChunk(chunk, columns, 0)
      yield columns
    }
  }

  /** Makes a temporary table (i, value) of integers. */
  async appendIntegers(table: string, values: Uint32Array): Promise<void> {
    await this.run(`CREATE TEMP TABLE ${name(table)} (i BIGINT, value BIGINT)`)
    const appender = await this.connection.createAppender(table)
    values.forEach((value, i) => {
      appender.appendBigInt(BigInt(i))
      appender.appendBigInt(BigInt(value))
      appender.endRow()
    })
    appender.closeSync()
  }

  /** Appends rows to a table: the values of one column after the other, so that those of one at a time are there. */
  async appendChunks(
    table: string,
    types: readonly DuckDBType[],
    chunks: AsyncIterable<AppendedRows>,
  ): Promise<void> {
    const appender = await this.connection.createAppender(table)
    const chunk = DuckDBDataChunk.create(types)
    let held = 0
    for await (const { rows, columns } of chunks) {
      chunk.reset()
      chunk.rowCount = rows
      let at = 0
      for (const values of columns) chunk.setColumnValues(at++, values)
      appender.appendDataChunk(chunk)
      // By itself it would keep 204,800 rows, however wide, beside the memory that DuckDB is given.
      held += rows * types.length
      if (held < APPENDED_VALUES) continue
      appender.flushSync()
      held = 0
    }
    appender.closeSync()
  }

  private async interruptible<T>(work: () => Promise<T>): Promise<T> {
    const { signal } = this
    if (signal === undefined) return work()
    signal.throwIfAborted()
    // An interrupt that comes before the statement has begun is lost: repeated until it ends.
    let timer: NodeJS.Timeout | undefined
    const interrupt = (): void => {
      this.connection.interrupt()
      timer ??= setInterval(interrupt, 20)
    }
    signal.addEventListener('abort', interrupt)
    try {
      return await work()
    } catch (error) {
      signal.throwIfAborted()
      throw error
    } finally {
      signal.removeEventListener('abort', interrupt)
      clearInterval(timer)
    }
  }
}

function copyChunk(chunk: DuckDBDataChunk, columns: readonly Float64Array[], start: number): void {
  for (const [at, column] of columns.entries()) {
    const vector = chunk.getColumnVector(at)
    for (let row = 0; row < vector.itemCount; row++) {
      const value = vector.getItem(row)
      column[start + row] = value === null ? NaN : Number(value)
    }
  }
}

function jsonValue(value: JsonValue, type: string): JsonValue {
  if (typeof value !== 'string') return value
  if (type.startsWith('TIMESTAMP')) return value.replace(' ', 'T')
  if (!/^U?(BIG|HUGE)INT$/.test(type)) return value
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}

/**
 * A database of its own for one piece of work, closed when it ends, however it ends. An abort
 * interrupts the running statement and rejects with the signal's reason.
 */
export async function withDuckDb<T>(options: DuckDbOptions, work: (db: DuckDb) => Promise<T>): Promise<T> {
  const { threads = 2, memoryLimit = '1GB', temporaryDirectory = tmpdir(), signal } = options
  signal?.throwIfAborted()
  let spill: string | undefined
  try {
    spill = await mkdtemp(join(temporaryDirectory, 'mlforge-duckdb-'))
    const instance = await DuckDBInstance.create(':memory:', {
      threads: String(threads),
      memory_limit: memoryLimit,
      temp_directory: spill,
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    })
    try {
      const connection = await instance.connect()
      try {
        await connection.run("SET TimeZone = 'UTC'")
        return await work(new DuckDb(connection, signal))
      } finally {
        connection.closeSync()
      }
    } finally {
      instance.closeSync()
    }
  } catch (error) {
    throw fullDisk(error, temporaryDirectory) ?? error
  } finally {
    if (spill !== undefined) await rm(spill, { recursive: true, force: true })
  }
}

export { name, text }
