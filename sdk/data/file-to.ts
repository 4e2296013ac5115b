import { randomUUID } from 'node:crypto'
import { open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import type { DatasetVersion } from '../../contracts/rest/datasets.js'
import { MlforgeError } from '../../domain/errors.js'
import type { Rest } from '../rest.js'
import { said } from './said.js'
import { versionPath } from './paths.js'

/** Answers that end in the middle, none farther than the first, after which the rest is not waited for. */
const CUT = 3
/** What an answer that is cut off may have lost on its way. */
const LOST_BYTES = 1024 * 1024

/**
 * Writes a file of a version to one here, which is there whole or not at all.
 * @returns its bytes
 * @throws MlforgeError invalid_request where it cannot be written there, object_corrupt
 */
export async function fileTo(
  rest: Rest,
  dataset: string,
  { version, bytes }: Pick<DatasetVersion, 'version' | 'bytes'>,
  path: string,
  destination: string,
): Promise<number> {
  const from = `${versionPath(dataset, String(version))}/file?path=${encodeURIComponent(path)}`
  // Of a name of its own: one with that of the file in it may be longer than any may be.
  const part = join(dirname(destination), `.mlforge-${randomUUID()}`)
  let [farthest, cut] = [-Infinity, 0]
  const take = async (content: Readable) => {
    const came = await writeTo(part, content, destination)
    if (came.error === null) return
    cut = came.bytes > farthest + LOST_BYTES ? 1 : cut + 1
    farthest = Math.max(farthest, came.bytes)
    if (cut < CUT) throw came.error
    throw new MlforgeError(
      'object_corrupt',
      `"${path}" of version ${version} of dataset "${dataset}" cannot be read to its end: ${cut} answers ended after some ${farthest} bytes, as they do where a chunk is damaged in each pack that has it. "mlforge data verify ${dataset}@${version}" names what is.`,
      { file: path },
    )
  }
  try {
    // It has no more bytes than its version, which is enough to know for the deadline.
    await rest.downloadTo(from, bytes ?? 0, take)
    await rename(part, destination)
    return (await stat(destination)).size
  } catch (error) {
    throw noPlace(error, destination) ?? said(error)
  } finally {
    // Where it could not be made it cannot be removed either.
    await rm(part, { force: true }).catch(() => undefined)
  }
}

/** Why no file can be somewhere, whoever tries it again. */
const NO_PLACE: Readonly<Record<string, string>> = {
  EISDIR: 'it is a directory',
  ENAMETOOLONG: 'its name is too long',
  ENOENT: 'its directory is not there',
  ENOTDIR: 'it is to be in what is no directory',
}

/** The file comes into its place by being moved there, which would do away with a device, such as /dev/null. */
export async function assertNoOther(destination: string): Promise<void> {
  const there = await stat(destination).catch(() => null)
  if (there === null || there.isFile()) return
  const why = there.isDirectory() ? NO_PLACE['EISDIR']! : 'it is no regular file'
  throw cannotWrite(destination, why)
}

function noPlace(error: unknown, destination: string): MlforgeError | null {
  const why = NO_PLACE[(error as NodeJS.ErrnoException).code ?? '']
  if (why === undefined) return null
  return cannotWrite(destination, why)
}

function cannotWrite(destination: string, why: string): MlforgeError {
  return new MlforgeError('invalid_request', `"${destination}" cannot be written: ${why}. Name another file.`)
}

/** @returns the bytes that came, and what has cut off the rest: what the disk refuses is none, after which it would be read again */
async function writeTo(
  path: string,
  content: Readable,
  destination: string,
): Promise<{ bytes: number; error: unknown }> {
  const refused = (error: unknown): never => {
    throw noPlace(error, destination) ?? said(error, path)
  }
  const file = await open(path, 'w').catch(refused)
  let bytes = 0
  try {
    for await (const chunk of content as AsyncIterable<Uint8Array>) {
      await file.writeFile(chunk).catch(refused)
      bytes += chunk.length
    }
    return { bytes, error: null }
  } catch (error) {
    if (error instanceof MlforgeError) throw error
    return { bytes, error }
  } finally {
    await file.close()
  }
}
