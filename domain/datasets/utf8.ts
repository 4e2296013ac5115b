/**
 * Checks UTF-8 byte by byte (Unicode 17, table 3-7: no overlong forms, no surrogates, nothing past
 * U+10FFFF). ASCII bytes need not be shown to it while `pending` is 0.
 */
export class Utf8Validator {
  /** Continuation bytes still to come. */
  pending = 0
  private low = 0x80
  private high = 0xbf

  /** False when this byte (0x80 or above, or any byte while pending) cannot stand here. */
  accepts(byte: number): boolean {
    if (this.pending > 0) {
      if (byte < this.low || byte > this.high) return false
      this.pending--
      this.low = 0x80
      this.high = 0xbf
      return true
    }
    if (byte < 0xc2 || byte > 0xf4) return false
    this.pending = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3
    if (byte === 0xe0) this.low = 0xa0
    else if (byte === 0xed) this.high = 0x9f
    else if (byte === 0xf0) this.low = 0x90
    else if (byte === 0xf4) this.high = 0x8f
    return true
  }
}
