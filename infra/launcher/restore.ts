import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import type { Settings } from '../../config/config.js'
import { MlforgeError } from '../../domain/errors.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { parseObjectUri } from '../../stores/objects/object-uri.js'
import { openObjectStore } from '../../stores/objects/open.js'
import { assertKnown, loadTables } from './backup-database.js'
import { SERVING } from './backup-logs.js'
import { MANIFEST, parseManifest, TEMPORAL_FILE, type BackupManifest } from './backup-manifest.js'
import { down } from './down.js'
import { writeDurably } from './files.js'
import { statePaths } from './paths.js'
import { postgresDataDirectory, removePostgresData } from './postgres.js'
import { isAlive } from './proc.js'
import { readState } from './state.js'
import { readTar, type TarEntry } from './tar.js'

export interface RestoreOptions {
  readonly settings: Settings
  readonly file: string
  readonly progress: (line: string) => void
  /** Starts the embedded Postgres of the state directory, or answers with the external one's address. */
  readonly startPostgres: () => Promise<string>
}

export interface RestoreResult {
  readonly createdAt: string
  readonly rows: number
  readonly objects: number
  readonly temporal: boolean
}

/**
 * Makes an empty state directory the one that was backed up; `mlforge up` then goes on with its open
 * runs. Everything is checked against the manifest; where something is wrong, all of it is removed
 * again. The rows come last, in one transaction.
 *
 * @throws wrong_state for a state directory that is not empty; invalid_request, object_corrupt for a
 * damaged file; schema_version for one of a newer release
 */
export async function restore(options: RestoreOptions): Promise<RestoreResult> {
  const { settings, file, progress, startPostgres } = options
  const { stateDirectory } = settings
  const archive = resolve(file)
  if (!existsSync(archive)) throw new MlforgeError('invalid_request', `There is no file ${archive}.`)
  await assertEmpty(settings)
  writeDurably(statePaths(stateDirectory).restoring, `${archive}\n`)
  const work = join(stateDirectory, 'restore')
  try {
    const manifest = await extract(archive, settings, work, progress)
    for (const name of ['keys', SERVING]) {
      await rename(join(work, name), join(stateDirectory, name)).catch(ignoreMissing)
    }
    if (manifest.temporal !== null) {
      const target = statePaths(stateDirectory).temporalFile
      await mkdir(dirname(target), { recursive: true, mode: 0o700 })
      await rename(join(work, TEMPORAL_FILE), target)
    }
    await loadTables(await startPostgres(), manifest, join(work, 'tables'))
    const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0)
    progress(`database: ${rows} rows of ${manifest.tables.length} tables`)
    await down(stateDirectory, () => undefined)
    await rm(work, { recursive: true, force: true })
    await rm(statePaths(stateDirectory).restoring)
    const { createdAt, objects, temporal } = manifest
    return { createdAt, rows, objects: objects.length, temporal: temporal !== null }
  } catch (error) {
    await down(stateDirectory, () => undefined)
    await removePostgresData(stateDirectory)
    const made = ['restore', 'keys', SERVING, 'temporal', 'postgres', 'processes.json']
    for (const name of made) await rm(join(stateDirectory, name), { recursive: true, force: true })
    // What has come into a bucket is named by its content and does no harm there.
    if (settings.objects.kind === 'local')
      await rm(settings.objects.directory, { recursive: true, force: true })
    await rm(statePaths(stateDirectory).restoring, { force: true })
    throw error
  }
}

async function assertEmpty({ stateDirectory, objects }: Settings): Promise<void> {
  const running = Object.values(readState(stateDirectory).children).some(isAlive)
  const found = [
    ...(running ? ['running processes'] : []),
    ...(existsSync(statePaths(stateDirectory).restoring) ? ['a restore that did not finish'] : []),
    ...((await hasFiles(join(stateDirectory, 'keys'))) ? ['keys'] : []),
    ...((await hasFiles(join(stateDirectory, SERVING))) ? ["replicas' prediction logs"] : []),
    ...(objects.kind === 'local' && (await hasFiles(objects.directory)) ? ['objects'] : []),
    ...(existsSync(statePaths(stateDirectory).temporalFile) ? ["Temporal's data"] : []),
    ...((await hasFiles(await postgresDataDirectory(stateDirectory))) ? ["Postgres's data"] : []),
  ]
  if (found.length === 0) return
  throw new MlforgeError(
    'wrong_state',
    `${stateDirectory} is not empty: it has ${found.join(', ')}. Run mlforge clean, which removes them, ` +
      'or name another directory by MLFORGE_STATE_DIRECTORY.',
  )
}

async function hasFiles(directory: string): Promise<boolean> {
  return (await readdir(directory).catch(() => [])).length > 0
}

/** Writes objects to their place and everything else below `work`, all of it checked. */
async function extract(
  archive: string,
  settings: Settings,
  work: string,
  progress: (line: string) => void,
): Promise<BackupManifest> {
  await mkdir(join(work, 'tables'), { recursive: true, mode: 0o700 })
  const objects = await openObjectStore(settings)
  let manifest: BackupManifest | undefined
  const seen = new Set<string>()
  const take = async (entry: TarEntry) => {
    if (manifest === undefined) {
      if (entry.name !== MANIFEST) throw damaged('it does not begin with a manifest')
      manifest = parseManifest(await text(entry))
      assertKnown(manifest.migrations)
      await assertInBucket(manifest, settings, objects)
      progress(`backup of ${manifest.createdAt}`)
      return
    }
    seen.add(entry.name)
    if (!entry.name.startsWith('objects/')) return writeFileOf(entry, manifest, work)
    const uri = entry.name.slice('objects/'.length)
    const named = parseObjectUri(uri)
    if (named === null) throw damaged(`it has an entry ${entry.name}, which names no object`)
    const written = await objects.write(named.project, entry.content, { kind: named.kind })
    if (written.uri !== uri) throw damaged(`${uri} has other content`)
    if (seen.size % 500 === 0)
      progress(`${seen.size} of ${manifest.files.length + manifest.objects.length} entries`)
  }
  let taking: Promise<void> = Promise.resolve()
  try {
    await pipeline(createReadStream(archive), createGunzip(), async source => {
      for await (const entry of readTar(source as AsyncIterable<Uint8Array>)) {
        taking = take(entry)
        await taking
      }
    })
  } catch (error) {
    // The pipeline fails before what is being written ends, and that would come back after it was removed.
    await taking.catch(() => undefined)
    if (String((error as { code?: unknown }).code).startsWith('Z_'))
      throw damaged('it cannot be decompressed')
    throw error
  }
  if (manifest === undefined) throw damaged('it is empty')
  const { files, objects: needed, bucket } = manifest as BackupManifest
  const wanted = bucket === null ? needed : []
  const missing = [...files.map(({ name }) => name), ...wanted.map(({ uri }) => `objects/${uri}`)].filter(
    name => !seen.has(name),
  )
  if (missing.length > 0) throw damaged(`${missing.length} entries are missing, such as ${missing[0]}`)
  progress(`objects: ${needed.length}${bucket === null ? '' : ` in bucket ${bucket.bucket}`}`)
  return manifest
}

/** A backup of a stack with a bucket names its objects: they must be there before any row is. */
async function assertInBucket(
  { bucket, objects: needed }: BackupManifest,
  { objects: { kind } }: Settings,
  objects: ObjectStore,
): Promise<void> {
  if (bucket === null) return
  if (kind !== 's3') {
    throw new MlforgeError(
      'wrong_state',
      `The objects of this backup are in bucket "${bucket.bucket}", and objects.kind is local. Set objects.kind to s3 and objects.s3.* to that bucket, or to a copy of it, and try again.`,
    )
  }
  const problems: { at: string; message: string }[] = []
  for (const { uri, bytes } of needed) {
    const found = await objects.size(uri)
    if (found === bytes) continue
    problems.push({
      at: uri,
      message: found === null ? 'is missing' : `has ${found} bytes, and not ${bytes}`,
    })
  }
  if (problems.length === 0) return
  throw new MlforgeError(
    'object_missing',
    `${problems.length} objects of this backup are not in the bucket that is configured (the backup is of bucket "${bucket.bucket}", keys below "${bucket.prefix}"). Bring them back by the means of the bucket, then try again.`,
    { problems },
  )
}

/** Only what the manifest names, so no name leads out of the directory. */
async function writeFileOf(entry: TarEntry, manifest: BackupManifest, work: string): Promise<void> {
  const wanted = manifest.files.find(({ name }) => name === entry.name)
  const isFile =
    /^(keys\/|tables\/|serving\/[a-z0-9][a-z0-9._-]*\/(segments\/)?)?[A-Za-z0-9_][A-Za-z0-9_.-]*$/
  if (wanted === undefined || !isFile.test(entry.name)) {
    throw damaged(`it has an entry ${entry.name} that is not in its manifest`)
  }
  const hash = createHash('sha256')
  await mkdir(dirname(join(work, entry.name)), { recursive: true, mode: 0o700 })
  const output = await open(join(work, entry.name), 'wx', 0o600)
  try {
    for await (const chunk of entry.content) {
      hash.update(chunk)
      await output.writeFile(chunk)
    }
    await output.sync()
  } finally {
    await output.close()
  }
  if (hash.digest('hex') !== wanted.sha256) throw damaged(`${entry.name} has other content`)
}

async function text({ content }: TarEntry): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of content) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

function damaged(why: string): MlforgeError {
  return new MlforgeError(
    'object_corrupt',
    `The backup is damaged: ${why}. Nothing was restored; use another backup.`,
  )
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
