import { createHash, hash } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import {
  FOOTER_BYTES,
  indexOffset,
  MAX_PIECE_BYTES,
  type PackEntry,
  packHeader,
  readPackIndex,
} from '../domain/data/pack.js'
import { MlforgeError } from '../domain/errors.js'

/**
 * The bytes of a chunk from those that a pack has for it.
 * @returns those that came where they are stored as they are
 * @throws MlforgeError object_corrupt where they are not what their hash says
 */
export function readChunk(
  stored: Uint8Array,
  { sha256, bytes, codec }: Pick<PackEntry, 'sha256' | 'bytes' | 'codec'>,
): Uint8Array {
  const content = unpackChunk(stored, { sha256, bytes, codec })
  if (hash('sha256', content, 'hex') !== sha256) throw corrupt(sha256, 'its bytes have another hash')
  return content
}

/**
 * The same without its hash, for who looks at that himself.
 * @throws MlforgeError object_corrupt where they are of another number
 */
export function unpackChunk(
  stored: Uint8Array,
  { sha256, bytes, codec }: Pick<PackEntry, 'sha256' | 'bytes' | 'codec'>,
): Uint8Array {
  if (bytes > MAX_PIECE_BYTES) throw corrupt(sha256, `it says that it has ${bytes} bytes, more than any has`)
  const content = codec === 'none' ? stored : inflated(stored, sha256, bytes)
  if (content.length !== bytes) throw corrupt(sha256, `it has ${content.length} bytes instead of ${bytes}`)
  return content
}

/**
 * Checks a pack from its first byte to its last.
 * @returns its chunks, by hash
 * @throws MlforgeError object_corrupt, unsupported_format
 */
export function verifyPack(content: Uint8Array): PackEntry[] {
  const header = packHeader()
  if (header.some((byte, i) => content[i] !== byte)) throw noPack('it does not begin as a pack does')
  const index = indexOffset(content.subarray(Math.max(0, content.length - FOOTER_BYTES)), content.length)
  const entries = readPackIndex(content.subarray(index), content.length, sha256Of)
  let end = header.length
  for (const entry of entries.toSorted((a, b) => a.offset - b.offset)) {
    if (entry.offset !== end) throw noPack('its chunks do not follow one another')
    end += entry.stored
    readChunk(content.subarray(entry.offset, end), entry)
  }
  if (end !== index) throw noPack('it has bytes that no chunk has')
  return entries
}

/** SHA-256 as the pure code takes it. */
export function sha256Of(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest()
}

function inflated(stored: Uint8Array, sha256: string, bytes: number): Uint8Array {
  try {
    return inflateRawSync(stored, { maxOutputLength: Math.max(1, bytes) })
  } catch (error) {
    throw corrupt(sha256, `it does not unpack to ${bytes} bytes (${(error as Error).message})`)
  }
}

function corrupt(sha256: string, why: string): MlforgeError {
  return new MlforgeError(
    'object_corrupt',
    `Chunk ${sha256} is corrupt: ${why}. Read it from another copy, or send it again from where it came.`,
    { sha256 },
  )
}

function noPack(why: string): MlforgeError {
  return new MlforgeError('object_corrupt', `This is no whole pack: ${why}.`)
}
