import { createHash } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { lstat, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Json } from '../../domain/canonical-json.js'
import { MlforgeError } from '../../domain/errors.js'
import { fitsGlob, isDeep } from '../../domain/sensors/glob.js'
import type { SourceTick } from '../../domain/sensors/sensor.js'
import { sha256Hex } from '../../stores/ids.js'
import { type NamedFile, namedFiles } from '../../stores/objects/named-files.js'
import { PAGE, type Reading, type SourcePage, type SourcePorts } from './read-source.js'

// Names say nothing of when something came: what was seen is known by its ticks, and every look compares.

/** Files and directories that one look goes through. */
const MOST_FILES = 10_000

/** The clock that file systems write with is as coarse as this. */
const COARSE_MS = 10

/** Keys that are longer are hashed: an index has no place for them. */
const MAX_KEY = 300

/** A file that has become a link since it was listed may lead anywhere. */
const NO_LINK = constants.O_RDONLY | constants.O_NOFOLLOW

type Payload = Readonly<Record<string, Json>>

export async function readDirectory(ports: SourcePorts, reading: Reading<'directory'>): Promise<SourcePage> {
  const { path, pattern } = reading.source
  const root = await directoryOf(ports.projectDirectory, path)
  const files = await read(path, () =>
    namedFiles(root, {
      deep: isDeep(pattern),
      isWanted: name => fitsGlob(name, pattern),
      limit: MOST_FILES,
    }),
  )
  return unseen(ports, reading, files, factsOf('path'), async file => {
    const sha256 = await hashOf(join(root, file.name))
    // Somebody writes to it: what it is then is another tick.
    if (!(await isSame(join(root, file.name), file))) return null
    return { path: file.name, sha256 }
  })
}

export async function readObjects(ports: SourcePorts, reading: Reading<'objects'>): Promise<SourcePage> {
  const { project, source } = reading
  const objects = await read(source.prefix, () => ports.objects.named(project, source.prefix, MOST_FILES))
  return unseen(ports, reading, objects, factsOf('name'), async ({ name }) => {
    const { uri, sha256 } = await ports.objects.adopt(project, name)
    return { name, uri, sha256 }
  })
}

async function unseen(
  { sensorTicks }: SourcePorts,
  { id, incarnation, since, cursor }: Reading<'directory' | 'objects'>,
  files: readonly NamedFile[],
  facts: (file: NamedFile) => Payload,
  content: (file: NamedFile) => Promise<Payload | null>,
): Promise<SourcePage> {
  const known = await sensorTicks.known(id, incarnation, files.map(keyOf))
  const fresh = files
    .filter(file => !known.has(keyOf(file)))
    .sort((a, b) => a.changedMs - b.changedMs || (a.name < b.name ? -1 : 1))
  const isOld = ({ changedMs }: NamedFile) => changedMs < since.getTime() - COARSE_MS
  const skipped = fresh.filter(isOld).map(file => ({ key: keyOf(file), payload: facts(file) }))
  const seen = known.size + skipped.length
  const ticks: SourceTick[] = []
  const wanted = fresh.filter(file => !isOld(file))
  let more = false
  for (const file of wanted) {
    more = ticks.length === PAGE
    if (more) break
    const read = await content(file).catch(goneOf)
    if (read === null) continue
    ticks.push({
      key: keyOf(file),
      payload: { ...facts(file), ...read },
      cursor: { seen: seen + ticks.length + 1 },
    })
  }
  return { ticks, cursor: skipped.length > 0 || cursor === null ? { seen } : cursor, more, skipped }
}

const factsOf =
  (name: string) =>
  (file: NamedFile): Payload => ({
    [name]: file.name,
    bytes: file.bytes,
    modifiedAt: new Date(file.modifiedMs).toISOString(),
  })

/** What it is: the same content that was written anew is something new. */
function keyOf({ name, bytes, modifiedMs }: NamedFile): string {
  const key = `${name} ${bytes} ${modifiedMs}`
  return key.length <= MAX_KEY ? key : sha256Hex(key)
}

async function directoryOf(projectDirectory: string, path: string): Promise<string> {
  const root = await realpath(projectDirectory)
  const directory = await read(path, () => realpath(join(root, path)))
  if (directory === root || directory.startsWith(root + sep)) return directory
  throw new MlforgeError(
    'source_unavailable',
    `Directory "${path}" is a link that leads out of the project's directory. Put what is to be watched into it.`,
  )
}

async function read<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof MlforgeError) throw error
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' || code === 'ENOTDIR' ? 'there is no such directory' : message
    throw new MlforgeError(
      'source_unavailable',
      `"${path}" cannot be read: ${why}. The sensor goes on by itself once it can.`,
    )
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { flags: NO_LINK as never, highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex')
}

async function isSame(path: string, { bytes, modifiedMs }: NamedFile): Promise<boolean> {
  const now = await lstat(path)
  return now.size === bytes && now.mtimeMs === modifiedMs
}

/** What has gone since it was listed is nothing; what may not be read is said. */
function goneOf(error: unknown): null {
  const { code } = error as { code?: unknown }
  if (code === 'ENOENT' || code === 'object_missing') return null
  if (error instanceof MlforgeError) throw error
  throw new MlforgeError('source_unavailable', `A file cannot be read: ${(error as Error).message}.`)
}
