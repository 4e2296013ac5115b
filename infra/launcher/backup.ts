import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { mkdir, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Config } from '../../config/config.js'
import { referencedObjects, replacedObjects } from '../../domain/check/references.js'
import { MlforgeError } from '../../domain/errors.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { openObjectStore } from '../../stores/objects/open.js'
import { connectPostgres } from '../../stores/postgres/data-source.js'
import { assertSchema } from '../../stores/postgres/schema-version.js'
import { appliedMigrations, atOneMoment, dumpTable, tableNames, whileObjectsStay } from './backup-database.js'
import { copyPredictionLogs } from './backup-logs.js'
import { MANIFEST, TEMPORAL_FILE, type BackupManifest } from './backup-manifest.js'
import { readRows, type RowFacts } from './check-facts.js'
import { lastLines, run } from './command.js'
import { statePaths } from './paths.js'
import { writeTar, type TarEntry } from './tar.js'

export interface BackupOptions {
  readonly config: Config
  /** False where Temporal is external: it has back-ups of its own. */
  readonly embeddedTemporal: boolean
  /** Path of the archive. */
  readonly file: string
  readonly progress: (line: string) => void
}

export interface BackupResult {
  readonly file: string
  readonly bytes: number
  readonly rows: number
  /** Those that the rows need. */
  readonly objects: number
  /** Null where the objects are in the file, else the bucket that they stay in. */
  readonly bucket: string | null
  readonly temporal: boolean
}

/**
 * Writes a stack that may be at work into one file. Postgres, Temporal and what replicas have logged and
 * not handed over yet are taken at one moment, at which nobody can write to Postgres: restored, it is as
 * if every process had been killed right then, which every run survives. Were Temporal's part the later
 * one, steps could count as done whose rows are not in the backup. Objects come last: they are immutable,
 * and none is deleted meanwhile, so all that the rows point at are there. Those in a bucket are named and
 * looked for, and stay where they are: the archive would be as large as the bucket, which has means of its own.
 *
 * @throws object_missing naming what is not there; object_corrupt
 */
export async function backup({
  config,
  embeddedTemporal,
  file,
  progress,
}: BackupOptions): Promise<BackupResult> {
  const archive = resolve(file)
  await mkdir(dirname(archive), { recursive: true })
  // Beside the archive: the same file system, and the room that it needs is there anyway.
  const work = await mkdtemp(join(dirname(archive), `.${basename(archive)}.`))
  try {
    const partial = join(work, 'archive')
    const manifest = await whileObjectsStay(config.postgres.url, async () => {
      const taken = await snapshot(config, embeddedTemporal, work, progress)
      const objects = await openObjectStore(config)
      const entries = archiveEntries(taken, work, config.stateDirectory, objects, progress)
      const output = createWriteStream(partial, { mode: 0o600 })
      await pipeline(
        Readable.from(writeTar(entries), { objectMode: false }),
        createGzip({ level: 1 }),
        output,
      )
      return taken
    })
    await sync(partial)
    const { size: bytes } = await stat(partial)
    await rename(partial, archive)
    await sync(dirname(archive))
    const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0)
    return {
      file: archive,
      bytes,
      rows,
      objects: manifest.objects.length,
      bucket: manifest.bucket?.bucket ?? null,
      temporal: manifest.temporal !== null,
    }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function snapshot(
  config: Config,
  embeddedTemporal: boolean,
  work: string,
  progress: (line: string) => void,
): Promise<BackupManifest> {
  const dataSource = await connectPostgres(config.postgres.url, 2)
  try {
    await assertSchema(dataSource)
    const names = tableNames(dataSource)
    const source = statePaths(config.stateDirectory).temporalFile
    const takesTemporal = embeddedTemporal && existsSync(source)
    const frozen = async () => {
      if (takesTemporal) await copySqlite(source, join(work, TEMPORAL_FILE))
      return copyPredictionLogs(config.stateDirectory, work)
    }
    return await atOneMoment(config.postgres.url, names, frozen, async (client, id, logs) => {
      await mkdir(join(work, 'tables'))
      const tables: BackupManifest['tables'] = []
      const files: BackupManifest['files'] = await keyFiles(config.stateDirectory)
      if (takesTemporal) files.push(await described(work, TEMPORAL_FILE))
      for (const name of logs) files.push(await described(work, name))
      for (const name of names) {
        const dumped = await dumpTable(client, name, join(work, 'tables'))
        tables.push(dumped.table)
        files.push(dumped.file)
      }
      progress(`database: ${tables.reduce((sum, { rows }) => sum + rows, 0)} rows of ${names.length} tables`)
      progress(
        takesTemporal ? 'temporal: taken at the same moment' : 'temporal: external, not in this backup',
      )
      return {
        format: 1,
        createdAt: new Date().toISOString(),
        migrations: await appliedMigrations(client),
        tables,
        temporal: takesTemporal ? { namespace: config.temporal.namespace } : null,
        files,
        objects: await objectsOf(await openObjectStore(config), await readRows(dataSource, id)),
        bucket: bucketOf(config),
      }
    })
  } finally {
    await dataSource.destroy()
  }
}

/**
 * SQLite's online backup: one consistent state, while the server goes on. Node 20 has no SQLite, and
 * Python, which MLForge needs anyway, has it in its standard library.
 */
async function copySqlite(from: string, to: string): Promise<void> {
  const script = `
import sqlite3, sys
source = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, timeout=20)
target = sqlite3.connect(sys.argv[2])
with target: source.backup(target)
# The copy is complete in itself: no journal beside it is needed to read it.
target.execute("PRAGMA journal_mode=DELETE")
state = target.execute("PRAGMA quick_check").fetchone()[0]
if state != "ok": sys.exit("the copy is damaged: " + state)
`
  // Writers wait meanwhile; their statements end after 30 s.
  const result = await run('python3', ['-c', script, from, to], { timeoutMs: 25_000 })
  if (result.code === 0) return
  const why = lastLines(result.stderr, 2)
  throw new MlforgeError(
    'unavailable',
    `Temporal's file ${from} could not be copied (${why}). Is Python 3 with sqlite3 there? See mlforge doctor; with the stack stopped but for Postgres it is copied at rest.`,
  )
}

async function objectsOf(objects: ObjectStore, rows: RowFacts): Promise<BackupManifest['objects']> {
  const found: BackupManifest['objects'] = []
  const problems: { at: string; message: string }[] = []
  for (const { uri, by } of referencedObjects(rows)) {
    const bytes = await objects.size(uri)
    if (bytes === null) problems.push({ at: uri, message: `is missing; it is needed by ${by}` })
    else found.push({ uri, bytes })
  }
  for (const uri of replacedObjects(rows)) {
    const bytes = await objects.size(uri)
    if (bytes !== null) found.push({ uri, bytes })
  }
  if (problems.length === 0) return found
  const message = `${problems.length} objects are missing, so this backup would not be whole. Bring them back (mlforge check names them), then try again.`
  throw new MlforgeError('object_missing', message, { problems })
}

function bucketOf({ objects: { kind, s3 } }: Config): BackupManifest['bucket'] {
  return kind === 's3' ? { endpoint: s3.endpoint, bucket: s3.bucket, prefix: s3.prefix } : null
}

async function keyFiles(stateDirectory: string): Promise<BackupManifest['files']> {
  const names = await readdir(join(stateDirectory, 'keys')).catch(() => [])
  return Promise.all(
    names.filter(name => !name.endsWith('.tmp')).map(name => described(stateDirectory, `keys/${name}`)),
  )
}

async function described(directory: string, name: string): Promise<BackupManifest['files'][number]> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of createReadStream(join(directory, name)) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.length
  }
  return { name, bytes, sha256: hash.digest('hex') }
}

async function* archiveEntries(
  manifest: BackupManifest,
  work: string,
  stateDirectory: string,
  objects: ObjectStore,
  progress: (line: string) => void,
): AsyncGenerator<TarEntry> {
  const text = Buffer.from(JSON.stringify(manifest))
  yield { name: MANIFEST, bytes: text.length, content: Readable.from([text]) }
  for (const { name, bytes } of manifest.files) {
    const directory = name.startsWith('keys/') ? stateDirectory : work
    yield { name, bytes, content: createReadStream(join(directory, name)) }
  }
  if (manifest.bucket !== null) {
    progress(
      `objects: ${manifest.objects.length} stay in bucket ${manifest.bucket.bucket}: back it up by its own means`,
    )
    return
  }
  let done = 0
  for (const { uri, bytes } of manifest.objects) {
    // The store compares the content with the hash in the name while it is read.
    yield { name: `objects/${uri}`, bytes, content: await objects.open(uri) }
    if (++done % 500 === 0 || done === manifest.objects.length)
      progress(`objects: ${done} of ${manifest.objects.length}`)
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r')
  await handle.sync()
  await handle.close()
}
