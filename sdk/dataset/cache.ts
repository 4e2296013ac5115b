import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
// The SDK is used by programs that have no configuration of MLForge.
import { env } from 'node:process'
import type { Readable } from 'node:stream'
import type { Artifact } from '../../contracts/rest/common.js'
import { MlforgeError } from '../../domain/errors.js'
import { Refused, type Rest } from '../rest.js'

/** Times content is fetched whose hash is another one. */
const FETCHES = 3
const DAY_MS = 24 * 3600_000
/** What a killed process has left is removed after a day; what nobody has loaded for so long, when something else comes. */
const UNUSED_MS = 30 * DAY_MS
const PART = '.part'
const CONTENT = /^[0-9a-f]{64}$/

export function defaultCache(): string {
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'mlforge', 'datasets')
}

/**
 * The file of an artifact, fetched where it is not there yet or has become another one. It is put there whole, so
 * that any number of processes may use a cache at once.
 * @throws MlforgeError checksum_mismatch where the server sends other content again and again, unavailable
 */
export async function cachedFile(rest: Rest, artifact: Artifact, directory: string): Promise<string> {
  const file = join(directory, artifact.sha256)
  if ((await sha256Of(file).catch(onDisk)) === artifact.sha256) {
    const now = new Date()
    // Somebody else's file may be read, and not touched.
    await utimes(file, now, now).catch(() => undefined)
    return file
  }
  await mkdir(directory, { recursive: true, mode: 0o700 }).catch(onDisk)
  await removeStale(directory)
  const { href, bytes, sha256 } = artifact
  for (let fetches = 1; fetches <= FETCHES; fetches++) {
    const part = `${file}.${randomBytes(6).toString('hex')}${PART}`
    try {
      const found = await rest.downloadTo(href, bytes, content => write(content, part))
      if (found !== sha256) continue
      await rename(part, file)
      await sync(directory)
      return file
    } catch (error) {
      throw explained(error, artifact)
    } finally {
      await rm(part, { force: true })
    }
  }
  throw new MlforgeError(
    'checksum_mismatch',
    `${href} came ${FETCHES} times with another content than SHA-256 ${sha256}. Have the stored version verified (mlforge data verify).`,
    { sha256 },
  )
}

/** SHA-256 of a file, or null where there is none. */
export async function sha256Of(file: string): Promise<string | null> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) {
      hash.update(chunk as Uint8Array)
    }
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null
    throw error
  }
  return hash.digest('hex')
}

/** Writes a file and sees that it is on the disk. Returns its SHA-256. */
async function write(content: Readable, file: string): Promise<string> {
  const hash = createHash('sha256')
  const handle = await open(file, 'w', 0o600).catch(onDisk)
  try {
    for await (const chunk of content) {
      hash.update(chunk as Uint8Array)
      await handle.writeFile(chunk as Uint8Array).catch(onDisk)
    }
    await handle.sync().catch(onDisk)
  } finally {
    await handle.close()
  }
  return hash.digest('hex')
}

/** An error of the disk is no broken connection: nothing comes of fetching again. */
function onDisk(error: NodeJS.ErrnoException): never {
  const isFull = error.code === 'ENOSPC' || error.code === 'EDQUOT'
  throw new MlforgeError(
    isFull ? 'unavailable' : 'forbidden',
    `The cache cannot be written: ${isFull ? `the disk is full (${error.message}). Make room` : `${error.message}. Change its permissions`}, or name another cacheDirectory.`,
  )
}

function explained(error: unknown, { href, bytes }: Artifact): unknown {
  if (error instanceof MlforgeError || error instanceof Refused) return error
  return new MlforgeError(
    'unavailable',
    `${href} (${bytes} bytes) could not be read: ${(error as Error).message}. Try again when the API can be reached.`,
  )
}

async function removeStale(directory: string): Promise<void> {
  for (const entry of await readdir(directory)) {
    const stays = entry.endsWith(PART) ? DAY_MS : CONTENT.test(entry) ? UNUSED_MS : Infinity
    const file = join(directory, entry)
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Date.now() }))
    if (Date.now() - mtimeMs > stays) await rm(file, { force: true })
  }
}

async function sync(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
