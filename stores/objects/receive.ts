import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { MlforgeError } from '../../domain/errors.js'
import type { WriteOptions } from './object-store.js'
import { assertSha256, kindPrefix } from './object-uri.js'
import { abortable } from './verified.js'

/** Refuses what cannot become an object before any byte of it is read. @throws MlforgeError invalid_request */
export function assertWritable(project: string, { kind = 'sha256', sha256 }: WriteOptions): void {
  kindPrefix(project, kind)
  if (sha256 !== undefined) assertSha256(sha256)
}

/** Chunks that have come are written together when they are so much. */
const WRITE_BYTES = 1024 * 1024

/**
 * Writes content to the end of a file, hashed and limited on the way. Of a chunk nothing may change afterwards.
 * @throws MlforgeError body_too_large, checksum_mismatch
 */
export async function receive(
  file: FileHandle,
  content: AsyncIterable<Uint8Array> | Uint8Array,
  { signal, maxBytes = Infinity, sha256: wanted }: Omit<WriteOptions, 'kind'>,
): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256')
  let bytes = 0
  let waiting: Uint8Array[] = []
  let waitingBytes = 0
  for await (const chunk of abortable(content instanceof Uint8Array ? once(content) : content, signal)) {
    bytes += chunk.byteLength
    assertSize(bytes, maxBytes)
    hash.update(chunk)
    waiting.push(chunk)
    waitingBytes += chunk.byteLength
    if (waitingBytes < WRITE_BYTES) continue
    await writeAll(file, waiting)
    waiting = []
    waitingBytes = 0
  }
  await writeAll(file, waiting)
  const sha256 = hash.digest('hex')
  assertHash(sha256, wanted)
  return { sha256, bytes }
}

/** @throws MlforgeError body_too_large */
export function assertSize(bytes: number, maxBytes: number): void {
  if (bytes <= maxBytes) return
  throw new MlforgeError(
    'body_too_large',
    `The content is larger than the ${maxBytes} bytes allowed here. Send less, or raise the limit.`,
    { maxBytes },
  )
}

/** @throws MlforgeError checksum_mismatch */
export function assertHash(sha256: string, wanted: string | undefined): void {
  if (wanted === undefined || sha256 === wanted) return
  throw new MlforgeError(
    'checksum_mismatch',
    `The content hashes to ${sha256}, and not to ${wanted} as was announced: it was changed on the way, or is another one. Nothing was kept; send it again.`,
    { expected: wanted, actual: sha256 },
  )
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content
}

async function writeAll(file: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  try {
    for (let rest = chunks.filter(chunk => chunk.byteLength > 0); rest.length > 0;) {
      rest = behind(rest, (await file.writev(rest)).bytesWritten)
    }
  } catch (error) {
    if (!['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    throw new MlforgeError(
      'unavailable',
      'The disk on which objects are written is full. Nothing was kept; free some space, then try again.',
    )
  }
}

/** What is left of chunks when so many bytes of them are written. */
function behind(chunks: readonly Uint8Array[], bytes: number): Uint8Array[] {
  const rest: Uint8Array[] = []
  for (const chunk of chunks) {
    if (bytes < chunk.byteLength) rest.push(chunk.subarray(bytes))
    bytes = Math.max(0, bytes - chunk.byteLength)
  }
  return rest
}
