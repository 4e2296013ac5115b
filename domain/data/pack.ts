import { MlforgeError } from '../errors.js'

/** A pack larger than this is none of ours. */
export const MAX_PACK_BYTES = 64 * 1024 * 1024
/** Of a chunk or a node: chunks have 256 KiB at most, and nodes less than this by their format. */
export const MAX_PIECE_BYTES = 4 * 1024 * 1024

const HEADER_BYTES = 8
export const FOOTER_BYTES = 44
const ENTRY_BYTES = 48
const HASH_BYTES = 32

const VERSION = 1
/** `MLFPACK` and the version; `MLFPEND` at the other end. */
const HEAD = [0x4d, 0x4c, 0x46, 0x50, 0x41, 0x43, 0x4b]
const TAIL = [0x4d, 0x4c, 0x46, 0x50, 0x45, 0x4e, 0x44]

/** How the bytes of a chunk stand in a pack: as they are, or as raw deflate (RFC 1951). */
export const CODECS = ['none', 'deflate'] as const
export type Codec = (typeof CODECS)[number]

/** Where a chunk is in its pack. */
export interface PackEntry {
  /** Of the chunk as it was cut, in hex. */
  readonly sha256: string
  /** Bytes before it in the pack. */
  readonly offset: number
  /** Bytes that it takes there. */
  readonly stored: number
  /** Bytes of the chunk. */
  readonly bytes: number
  readonly codec: Codec
}

/** SHA-256 of bytes. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array

/** The first bytes of each pack. */
export function packHeader(): Uint8Array {
  return Uint8Array.of(...HEAD, VERSION)
}

/** Bytes of the trailer of a pack with so many chunks. */
export function trailerBytes(chunks: number): number {
  return chunks * ENTRY_BYTES + FOOTER_BYTES
}

/**
 * What follows the chunks of a pack: the index, sorted by hash, and the footer that says where it begins.
 * @param entries each chunk once
 */
export function packTrailer(entries: readonly PackEntry[], sha256: Sha256): Uint8Array {
  const sorted = entries.toSorted((a, b) => (a.sha256 < b.sha256 ? -1 : 1))
  const trailer = new Uint8Array(trailerBytes(sorted.length))
  const view = new DataView(trailer.buffer)
  sorted.forEach((entry, i) => {
    const at = i * ENTRY_BYTES
    trailer.set(bytesOf(entry.sha256), at)
    view.setUint32(at + 32, entry.offset)
    view.setUint32(at + 36, entry.stored)
    view.setUint32(at + 40, entry.bytes)
    view.setUint32(at + 44, CODECS.indexOf(entry.codec))
  })
  const footer = sorted.length * ENTRY_BYTES
  view.setUint32(footer, sorted.length)
  trailer.set(sha256(trailer.subarray(0, footer)), footer + 4)
  trailer.set([...TAIL, VERSION], footer + 4 + HASH_BYTES)
  return trailer
}

/**
 * Where the index of a pack begins.
 * @param footer the last FOOTER_BYTES of the pack
 * @param packBytes of the whole pack
 * @throws MlforgeError object_corrupt for what is no pack, unsupported_format for one of a later version
 */
export function indexOffset(footer: Uint8Array, packBytes: number): number {
  const magic = footer.subarray(FOOTER_BYTES - HEADER_BYTES)
  if (footer.length !== FOOTER_BYTES || TAIL.some((byte, i) => magic[i] !== byte)) {
    throw corrupt('it does not end as a pack does')
  }
  if (magic[TAIL.length] !== VERSION) {
    throw new MlforgeError(
      'unsupported_format',
      `The pack is of format version ${magic[TAIL.length]}; this release reads version ${VERSION}. Read it with a newer release.`,
    )
  }
  const offset = packBytes - FOOTER_BYTES - viewOf(footer).getUint32(0) * ENTRY_BYTES
  if (offset < HEADER_BYTES || packBytes > MAX_PACK_BYTES) throw corrupt('its index has no place in it')
  return offset
}

/**
 * The chunks of a pack.
 * @param trailer all from indexOffset on
 * @param packBytes of the whole pack
 * @throws MlforgeError object_corrupt where anything in it cannot be, unsupported_format
 */
export function readPackIndex(trailer: Uint8Array, packBytes: number, sha256: Sha256): PackEntry[] {
  const footer = trailer.subarray(Math.max(0, trailer.length - FOOTER_BYTES))
  const end = indexOffset(footer, packBytes)
  const index = trailer.subarray(0, trailer.length - FOOTER_BYTES)
  if (end + trailer.length !== packBytes) throw corrupt('its index has another length than it says')
  if (hexOf(sha256(index)) !== hexOf(footer.subarray(4, 4 + HASH_BYTES))) {
    throw corrupt('its index is not what it was')
  }
  const view = viewOf(index)
  const entries: PackEntry[] = []
  for (let at = 0; at < index.length; at += ENTRY_BYTES) {
    const [offset, stored, bytes, codec] = [32, 36, 40, 44].map(from => view.getUint32(at + from)) as [
      number,
      number,
      number,
      number,
    ]
    const known = CODECS[codec]
    const hash = hexOf(index.subarray(at, at + HASH_BYTES))
    if (known === undefined) throw corrupt(`chunk ${hash} has the unknown codec ${codec}`)
    if (offset < HEADER_BYTES || offset + stored > end) throw corrupt(`chunk ${hash} has no place in it`)
    if (bytes > MAX_PIECE_BYTES) throw corrupt(`chunk ${hash} has ${bytes} bytes, more than any has`)
    if (known === 'none' && stored !== bytes) throw corrupt(`chunk ${hash} has two lengths`)
    if (entries.length > 0 && hash <= entries.at(-1)!.sha256) throw corrupt('its index is not in order')
    entries.push({ sha256: hash, offset, stored, bytes, codec: known })
  }
  return entries
}

function corrupt(why: string): MlforgeError {
  return new MlforgeError('object_corrupt', `This is no whole pack: ${why}.`)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function hexOf(bytes: Uint8Array): string {
  let hex = ''
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0')
  return hex
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from({ length: HASH_BYTES }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16))
}
