import { hash } from 'node:crypto'
import { type PackEntry, packHeader, packTrailer } from '../domain/data/pack.js'
import { MlforgeError } from '../domain/errors.js'
import { compressed } from './compress.js'
import type { Pack, Piece } from './messages.js'
import { changed, type OpenFile, withFile } from './open-file.js'
import { sha256Of } from './read-chunk.js'

/**
 * Reads pieces, checks them and packs them.
 * @throws MlforgeError file_changed where a file has not the bytes any more that it was cut into
 */
export function makePack(pieces: readonly Piece[]): Pack {
  const writer = new PackWriter(pieces.reduce((total, { bytes }) => total + bytes, 0))
  for (let i = 0; i < pieces.length;) i = takeRun(pieces, i, writer)
  return writer.finish()
}

/** Takes the pieces from one on that are in the same file, which so is opened once. */
function takeRun(pieces: readonly Piece[], first: number, writer: PackWriter): number {
  const { from } = pieces[first]!
  if ('content' in from) {
    writer.add(pieces[first]!, from.content)
    return first + 1
  }
  const { file } = from
  try {
    return withFile(file, open => {
      let next = first
      for (; next < pieces.length; next++) {
        const piece = pieces[next]!
        if (!('file' in piece.from) || piece.from.file !== file) break
        writer.add(piece, bytesOf(open, piece.from.offset, piece.bytes))
      }
      return next
    })
  } catch (error) {
    if (error instanceof MlforgeError && error.code === 'not_found') throw changed(file)
    throw error
  }
}

function bytesOf({ file, stat, read }: OpenFile, offset: number, bytes: number): Uint8Array {
  if (offset + bytes > stat.size) throw changed(file)
  const content = Buffer.allocUnsafe(bytes)
  read(content, offset)
  return content
}

class PackWriter {
  private readonly content: Uint8Array
  private readonly entries: PackEntry[] = []
  private end: number

  /** @param bytes of all pieces; memory that compression leaves unused is never touched */
  constructor(bytes: number) {
    const header = packHeader()
    this.content = new Uint8Array(header.length + bytes)
    this.content.set(header)
    this.end = header.length
  }

  add({ sha256, bytes, from }: Piece, content: Uint8Array): void {
    if (content.length !== bytes || hash('sha256', content, 'hex') !== sha256) {
      if ('file' in from) throw changed(from.file)
      throw new MlforgeError('internal', `Node ${sha256} has another hash than its bytes.`)
    }
    const small = compressed(content)
    const stored = small ?? content
    this.content.set(stored, this.end)
    this.entries.push({
      sha256,
      offset: this.end,
      stored: stored.length,
      bytes,
      codec: small ? 'deflate' : 'none',
    })
    this.end += stored.length
  }

  finish(): Pack {
    const trailer = packTrailer(this.entries, sha256Of)
    const content = new Uint8Array(this.end + trailer.length)
    content.set(this.content.subarray(0, this.end))
    content.set(trailer, this.end)
    return { sha256: hash('sha256', content, 'hex'), content, chunks: this.entries }
  }
}
