import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection, type DuckDBDataChunk, DuckDBInstance, type Json } from '@duckdb/node-api'
import { MlforgeError } from '../../domain/errors.js'
import { text } from './sql.js'

export interface LocalOptions {
  /** Of DuckDB, as it writes it; past it, it spills to `temporaryDirectory`. Default 1GB. */
  readonly memoryLimit?: string
  /** Default: the system's. */
  readonly temporaryDirectory?: string
}

/** What is read, and the files that it is in. */
export interface Prepared {
  /** A SELECT. */
  readonly sql: string
  readonly files: readonly string[]
}

export type Prepare = (session: Session, directory: string) => Promise<Prepared>

/** The name that what was opened has for SQL. */
export const SOURCE = '"the table"'

/** Directories of sessions that nobody has closed. */
const left = new Set<string>()
process.once('exit', () => {
  for (const directory of left) rmSync(directory, { recursive: true, force: true })
})

/**
 * A database in memory over the file of one table, with a directory of its own. SQL sees that table and nothing
 * else. One thread: rows come in their order, and equal tables are written as equal bytes.
 */
export class Session {
  private readonly connections = new Set<DuckDBConnection>()
  private readonly flying = new Set<Promise<unknown>>()
  private closing: Promise<void> | undefined
  private names = 0

  private constructor(
    private readonly instance: DuckDBInstance,
    private readonly main: DuckDBConnection,
    readonly directory: string,
  ) {
    this.connections.add(main)
  }

  static async open(prepare: Prepare, options: LocalOptions): Promise<Session> {
    const { memoryLimit = '1GB', temporaryDirectory = tmpdir() } = options
    const directory = await mkdtemp(join(temporaryDirectory, 'mlforge-dataset-'))
    left.add(directory)
    let session: Session | undefined
    try {
      const instance = await DuckDBInstance.create(':memory:', {
        threads: '1',
        memory_limit: memoryLimit,
        temp_directory: join(directory, 'spill'),
        autoinstall_known_extensions: 'false',
        autoload_known_extensions: 'false',
      })
      session = new Session(instance, await instance.connect(), directory)
      await session.run(`SET GLOBAL TimeZone = 'UTC'`)
      const { sql, files } = await prepare(session, directory)
      await session.run(`CREATE VIEW ${SOURCE} AS ${sql}`)
      await session.run(`SET allowed_paths = [${files.map(text).join(', ')}]`)
      await session.run(`SET allowed_directories = [${text(directory)}]`)
      await session.run('SET enable_external_access = false')
      await session.run('SET lock_configuration = true')
      return session
    } catch (error) {
      if (session) await session.close()
      else await remove(directory)
      throw error
    }
  }

  async run(sql: string): Promise<void> {
    await this.native(() => this.main.run(sql))
  }

  /** All rows of a small result, integers as text. */
  async query(sql: string): Promise<Record<string, Json>[]> {
    const reader = await this.native(() => this.main.runAndReadAll(sql))
    return reader.getRowObjectsJson()
  }

  /** The rows of a result as they are read, some thousand at a time. */
  async *stream(sql: string): AsyncGenerator<DuckDBDataChunk> {
    this.assertOpen()
    // A result that is being read ends where its connection is asked for something else.
    const connection = await this.native(() => this.instance.connect())
    this.connections.add(connection)
    try {
      const result = await this.native(() => connection.stream(sql))
      for (;;) {
        const chunk = await this.native(() => result.fetchChunk())
        if (chunk === null || chunk.rowCount === 0) return
        yield chunk
      }
    } finally {
      if (this.connections.delete(connection)) connection.closeSync()
    }
  }

  /** Adds rows to a table. */
  async append(table: string, chunks: Iterable<DuckDBDataChunk>): Promise<void> {
    const appender = await this.native(() => this.main.createAppender(table))
    for (const chunk of chunks) appender.appendDataChunk(chunk)
    appender.closeSync()
  }

  /** A name that nothing here has. */
  freshName(of: string): string {
    return `${of} ${++this.names}`
  }

  /** Ends what is under way, and removes the directory. */
  close(): Promise<void> {
    return (this.closing ??= this.end())
  }

  private async end(): Promise<void> {
    // An interrupt that comes before a statement has begun is lost.
    while (this.flying.size > 0) {
      for (const connection of this.connections) connection.interrupt()
      const pause = new Promise(resolve => setTimeout(resolve, 20))
      await Promise.race([Promise.allSettled(this.flying), pause])
    }
    for (const connection of this.connections) connection.closeSync()
    this.connections.clear()
    this.instance.closeSync()
    await remove(this.directory)
  }

  private async native<T>(work: () => Promise<T>): Promise<T> {
    this.assertOpen()
    const flight = work()
    this.flying.add(flight)
    try {
      return await flight
    } catch (error) {
      this.assertOpen()
      throw error
    } finally {
      this.flying.delete(flight)
    }
  }

  private assertOpen(): void {
    if (this.closing) throw closed()
  }
}

export function closed(): MlforgeError {
  return new MlforgeError('wrong_state', 'This dataset is closed. Load it again.')
}

async function remove(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true })
  left.delete(directory)
}
