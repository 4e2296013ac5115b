import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { finished } from 'node:stream/promises'
import pg from 'pg'
import { DataSource } from 'typeorm'
import { MlforgeError } from '../../domain/errors.js'
import { dataSourceOptions, ENTITIES, MIGRATIONS } from '../../stores/postgres/data-source.js'
import { KEEP_OBJECTS_LOCK } from '../../stores/postgres/compaction-store.js'
import { migrate } from '../../stores/postgres/migrate.js'
import type { BackupManifest } from './backup-manifest.js'
import { copyIn, copyOut } from './postgres-copy.js'
import { until } from './proc.js'

type Table = BackupManifest['tables'][number]

const LOCK_DEADLINE_MS = 30_000
const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`

/** Names of our tables, each after those that it refers to. */
export function tableNames(dataSource: DataSource): string[] {
  return ENTITIES.map(entity => dataSource.getMetadata(entity).tableName)
}

/**
 * Runs `work` with a connection whose snapshot was taken at a moment at which nobody could write to
 * any table, and with what `frozen` did at that moment.
 */
export async function atOneMoment<F, T>(
  url: string,
  tables: readonly string[],
  frozen: () => Promise<F>,
  work: (client: pg.Client, snapshot: string, atThatMoment: F) => Promise<T>,
): Promise<T> {
  const [locker, reader] = [new pg.Client(url), new pg.Client(url)]
  for (const client of [locker, reader]) client.on('error', () => undefined)
  try {
    await Promise.all([locker.connect(), reader.connect()])
    await lockAll(locker, tables)
    const atThatMoment = await frozen()
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const { rows } = await reader.query<{ id: string }>('SELECT pg_export_snapshot() AS id')
    await locker.query('COMMIT')
    return await work(reader, rows[0]!.id, atThatMoment)
  } finally {
    await Promise.all([locker.end(), reader.end()].map(ending => ending.catch(() => undefined)))
  }
}

/** Runs `work` while nobody deletes objects that were replaced. */
export async function whileObjectsStay<T>(url: string, work: () => Promise<T>): Promise<T> {
  const client = new pg.Client(url)
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query(`SELECT pg_advisory_lock_shared(${KEEP_OBJECTS_LOCK})`)
    return await work()
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** All at once or none, tried again: waiting for one while holding another could end in a deadlock. */
async function lockAll(client: pg.Client, tables: readonly string[]): Promise<void> {
  const lock = async () => {
    await client.query('BEGIN')
    try {
      await client.query(`LOCK TABLE ${tables.map(quoted).join(', ')} IN SHARE MODE NOWAIT`)
      return true
    } catch (error) {
      await client.query('ROLLBACK')
      if ((error as { code?: string }).code === '55P03') return false
      throw error
    }
  }
  if (await until(lock, LOCK_DEADLINE_MS, 25)) return
  const message = `The database was written to without a pause for ${LOCK_DEADLINE_MS / 1000} s. Try again when less is going on.`
  throw new MlforgeError('unavailable', message)
}

/** Writes a table as text COPY into a file below `directory`; its rows are those of the client's snapshot. */
export async function dumpTable(
  client: pg.Client,
  name: string,
  directory: string,
): Promise<{ table: Table; file: BackupManifest['files'][number] }> {
  const columns = await columnsOf(client, name)
  const sink = new PassThrough()
  const output = createWriteStream(join(directory, fileName(name)), { mode: 0o600 })
  const hash = createHash('sha256')
  let bytes = 0
  let rows = 0
  sink.on('data', (chunk: Buffer) => {
    hash.update(chunk)
    bytes += chunk.length
    rows++ // the server sends one message a row
  })
  sink.pipe(output)
  await copyOut(client, `COPY ${target(name, columns)} TO STDOUT`, sink)
  sink.end()
  await finished(output)
  return {
    table: { name, columns, rows },
    file: { name: `tables/${fileName(name)}`, bytes, sha256: hash.digest('hex') },
  }
}

export async function appliedMigrations(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>('SELECT name FROM migrations ORDER BY id')
  return rows.map(row => row.name)
}

/** @throws schema_version where the backup is of a newer release */
export function assertKnown(migrations: readonly string[]): void {
  const known = MIGRATIONS.map(migration => migration.name)
  const unknown = migrations.filter(name => !known.includes(name))
  if (unknown.length === 0) return
  const message = `The backup is of a newer release (it has ${unknown.join(', ')}). Install that release.`
  throw new MlforgeError('schema_version', message)
}

/**
 * Loads all tables into an empty database: the schema of the backup first, then the rows in one
 * transaction, then the migrations that came after it.
 * @throws wrong_state where the database has work in it
 */
export async function loadTables(url: string, manifest: BackupManifest, directory: string): Promise<void> {
  await makeSchema(url, manifest.migrations)
  const client = new pg.Client(url)
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('BEGIN')
    await assertNoWork(client, manifest.tables)
    await client.query(`TRUNCATE ${manifest.tables.map(({ name }) => quoted(name)).join(', ')}`)
    for (const { name, columns, rows } of manifest.tables) {
      const source = createReadStream(join(directory, fileName(name)))
      await copyIn(client, `COPY ${target(name, columns)} FROM STDIN`, source)
      const counted = await client.query<{ count: string }>(`SELECT count(*) FROM ${quoted(name)}`)
      if (Number(counted.rows[0]!.count) !== rows) {
        throw new MlforgeError('internal', `Table ${name} has ${counted.rows[0]!.count} of ${rows} rows.`)
      }
      await advanceSequences(client, name, columns)
    }
    await client.query('COMMIT')
  } finally {
    await client.end().catch(() => undefined)
  }
  await migrate(url)
}

async function makeSchema(url: string, migrations: readonly string[]): Promise<void> {
  const chosen = MIGRATIONS.filter(migration => migrations.includes(migration.name))
  const dataSource = await new DataSource({ ...dataSourceOptions(url, 2), migrations: chosen }).initialize()
  try {
    await dataSource.runMigrations()
  } finally {
    await dataSource.destroy()
  }
}

/** A fresh schema has a project, and a launcher's key; anything else is somebody's. */
async function assertNoWork(client: pg.Client, tables: readonly Table[]): Promise<void> {
  for (const { name } of tables) {
    if (name === 'projects' || name === 'api_keys') continue
    const { rowCount } = await client.query(`SELECT 1 FROM ${quoted(name)} LIMIT 1`)
    if (rowCount === 0) continue
    const message = `Table ${name} of the database is not empty. Restore into an empty database.`
    throw new MlforgeError('wrong_state', message)
  }
}

/** Numbers that the database gives itself go on after those that are there. */
async function advanceSequences(client: pg.Client, table: string, columns: readonly string[]): Promise<void> {
  for (const column of columns) {
    const { rows } = await client.query<{ sequence: string | null }>(
      'SELECT pg_get_serial_sequence($1, $2) AS sequence',
      [quoted(table), column],
    )
    const sequence = rows[0]!.sequence
    if (sequence === null) continue
    const next = `(SELECT coalesce(max(${quoted(column)}), 0) + 1 FROM ${quoted(table)})`
    await client.query(`SELECT setval($1, ${next}, false)`, [sequence])
  }
}

async function columnsOf(client: pg.Client, table: string): Promise<string[]> {
  const { rows } = await client.query<{ column_name: string }>(
    `SELECT column_name FROM information_schema.columns
     WHERE table_schema = current_schema() AND table_name = $1 AND is_generated = 'NEVER'
     ORDER BY ordinal_position`,
    [table],
  )
  return rows.map(row => row.column_name)
}

const fileName = (table: string) => `${table}.copy`
const target = (table: string, columns: readonly string[]) =>
  `${quoted(table)} (${columns.map(quoted).join(', ')})`
