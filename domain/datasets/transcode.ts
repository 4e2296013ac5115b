import { type Encoding, encodingRefused, type TextFormat } from './reading.js'

/** What windows-1252 has at 0x80 to 0x9f (unicode.org, CP1252.TXT); 0: nothing. */
const WINDOWS_1252 = [
  ...[
    0x20ac, 0, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0, 0x17d,
    0,
  ],
  ...[
    0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0, 0x17e,
    0x178,
  ],
]

/**
 * Makes UTF-8 of text in another encoding while its bytes stream by. A byte order mark is left out. How the
 * bytes are cut into chunks makes no difference.
 */
export class Transcoder {
  private offset = 0
  /** The first byte of a UTF-16 unit whose second has not come; -1: none. */
  private half = -1
  /** A high surrogate whose low one has not come; 0: none. */
  private surrogate = 0

  constructor(
    private readonly encoding: Exclude<Encoding, 'utf-8'>,
    private readonly format: TextFormat,
  ) {}

  /** @throws MlforgeError csv_encoding or ndjson_encoding with `details.byteOffset` of the byte that cannot stand there */
  push(chunk: Uint8Array): Uint8Array {
    // One byte becomes three at most, two become three, and a low surrogate completes four.
    const out = new Utf8Writer(3 * chunk.length + 4)
    if (this.encoding === 'utf-16le' || this.encoding === 'utf-16be') this.pushUnits(chunk, out)
    else this.pushBytes(chunk, out)
    this.offset += chunk.length
    return out.written()
  }

  /** To be called after the last chunk. @throws MlforgeError as push, for a character that was cut off */
  end(): void {
    if (this.half >= 0) this.refuse(this.offset - 1, 'half a character, where the file ends')
    if (this.surrogate > 0)
      this.refuse(this.offset - 2, 'the first half of a surrogate pair, where the file ends')
  }

  private pushBytes(chunk: Uint8Array, out: Utf8Writer): void {
    const isWindows = this.encoding === 'windows-1252'
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!
      if (!isWindows || byte < 0x80 || byte > 0x9f) out.put(byte)
      else {
        const character = WINDOWS_1252[byte - 0x80]!
        if (character === 0) this.refuse(this.offset + i, `0x${byte.toString(16)}, which it does not have`)
        out.put(character)
      }
    }
  }

  private pushUnits(chunk: Uint8Array, out: Utf8Writer): void {
    const isLittle = this.encoding === 'utf-16le'
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!
      if (this.half < 0) {
        this.half = byte
        continue
      }
      const unit = isLittle ? (byte << 8) | this.half : (this.half << 8) | byte
      this.half = -1
      const start = this.offset + i - 1
      if (unit >= 0xd800 && unit <= 0xdbff && this.surrogate === 0) this.surrogate = unit
      else if (unit >= 0xdc00 && unit <= 0xdfff && this.surrogate > 0) {
        out.put(0x10000 + ((this.surrogate - 0xd800) << 10) + (unit - 0xdc00))
        this.surrogate = 0
      } else if (this.surrogate > 0 || (unit >= 0xdc00 && unit <= 0xdfff)) {
        this.refuse(this.surrogate > 0 ? start - 2 : start, 'half a surrogate pair')
      } else if (unit !== 0xfeff || start > 0) out.put(unit)
    }
  }

  private refuse(byteOffset: number, what: string): never {
    throw encodingRefused(this.format, this.encoding, byteOffset, what)
  }
}

class Utf8Writer {
  private readonly bytes: Uint8Array
  private length = 0

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity)
  }

  put(character: number): void {
    const { bytes } = this
    if (character < 0x80) bytes[this.length++] = character
    else if (character < 0x800) {
      bytes[this.length++] = 0xc0 | (character >> 6)
      bytes[this.length++] = 0x80 | (character & 0x3f)
    } else {
      if (character < 0x10000) bytes[this.length++] = 0xe0 | (character >> 12)
      else {
        bytes[this.length++] = 0xf0 | (character >> 18)
        bytes[this.length++] = 0x80 | ((character >> 12) & 0x3f)
      }
      bytes[this.length++] = 0x80 | ((character >> 6) & 0x3f)
      bytes[this.length++] = 0x80 | (character & 0x3f)
    }
  }

  written(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }
}
