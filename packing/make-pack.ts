import { hash } from 'node:crypto'
import { type PackEntry, packHeader, packTrailer, trailerBytes } from '../domain/data/pack.js'
import { MlforgeError } from '../domain/errors.js'
import { compressed } from './compress.js'
import type { Pack, Piece } from './messages.js'
import { changed, withFile } from './open-file.js'
import { sha256Of } from './read-chunk.js'

/** Memory of a pack of usual size, so that it serves for another one. */
export const ROOM_BYTES = 17 * 1024 * 1024

/**
 * Reads pieces, checks them and packs them.
 * @param room memory for it, where it is large enough
 * @throws MlforgeError file_changed where a file has not the bytes any more that it was cut into
 */
export function makePack(pieces: readonly Piece[], room?: ArrayBuffer): Pack {
  const writer = new PackWriter(pieces, room)
  for (let i = 0; i < pieces.length;) i = takeRun(pieces, i, writer)
  return writer.finish()
}

/** Takes the pieces from one on that are in the same file, which so is opened once. */
function takeRun(pieces: readonly Piece[], first: number, writer: PackWriter): number {
  const { from } = pieces[first]!
  if ('content' in from) {
    const { content } = from
    const piece = pieces[first]!
    if (content.length !== piece.bytes) {
      throw new MlforgeError('internal', `Node ${piece.sha256} has another length than its bytes.`)
    }
    writer.add(piece, into => into.set(content))
    return first + 1
  }
  const { file } = from
  try {
    return withFile(file, open => {
      let next = first
      for (; next < pieces.length; next++) {
        const piece = pieces[next]!
        if (!('file' in piece.from) || piece.from.file !== file) break
        const { offset } = piece.from
        if (offset + piece.bytes > open.stat.size) throw changed(file)
        writer.add(piece, into => open.read(into, offset))
      }
      return next
    })
  } catch (error) {
    if (error instanceof MlforgeError && error.code === 'not_found') throw changed(file)
    throw error
  }
}

class PackWriter {
  /** Room for all pieces as they are and for what follows them; what stays unused is never touched. */
  private readonly content: Uint8Array
  private readonly entries: PackEntry[] = []
  private end: number

  constructor(pieces: readonly Piece[], room?: ArrayBuffer) {
    const header = packHeader()
    const bytes = pieces.reduce((total, piece) => total + piece.bytes, 0)
    const most = header.length + bytes + trailerBytes(pieces.length)
    const isLarge = most > ROOM_BYTES / 2
    this.content =
      room && room.byteLength >= most
        ? new Uint8Array(room)
        : new Uint8Array(isLarge ? Math.max(most, ROOM_BYTES) : most)
    this.content.set(header)
    this.end = header.length
  }

  /** @param fill writes the bytes of the piece to their place */
  add({ sha256, bytes, from }: Piece, fill: (into: Uint8Array) => void): void {
    const { end: offset } = this
    const content = this.content.subarray(offset, offset + bytes)
    fill(content)
    if (hash('sha256', content, 'hex') !== sha256) {
      if ('file' in from) throw changed(from.file)
      throw new MlforgeError('internal', `Node ${sha256} has another hash than its bytes.`)
    }
    const small = compressed(content)
    if (small) this.content.set(small, offset)
    const stored = small?.length ?? bytes
    this.entries.push({ sha256, offset, stored, bytes, codec: small ? 'deflate' : 'none' })
    this.end += stored
  }

  finish(): Pack {
    const trailer = packTrailer(this.entries, sha256Of)
    this.content.set(trailer, this.end)
    const content = this.content.subarray(0, this.end + trailer.length)
    return { sha256: hash('sha256', content, 'hex'), content, chunks: this.entries }
  }
}
