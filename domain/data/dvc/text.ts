/** DVC before 3 hashed files of text as if their lines ended in LF (`md5-dos2unix`). */

/** Bytes at the beginning of a block that say whether it is text. */
const LOOKED_AT = 512
const MOST_STRANGE = 0.3

const CR = 0x0d
const LF = 0x0a

/** Whether DVC takes a block for text (`istextblock` of dvc-data). */
export function isDvcText(block: Uint8Array): boolean {
  const head = block.subarray(0, LOOKED_AT)
  if (head.includes(0)) return false
  const strange = head.reduce((sum, byte) => sum + (isTextByte(byte) ? 0 : 1), 0)
  return strange <= MOST_STRANGE * head.length
}

/** A block with LF where it has CR LF. */
export function dos2unix(block: Uint8Array): Uint8Array {
  const out = new Uint8Array(block.length)
  let length = 0
  for (const [i, byte] of block.entries()) {
    if (byte === CR && block[i + 1] === LF) continue
    out[length++] = byte
  }
  return out.subarray(0, length)
}

function isTextByte(byte: number): boolean {
  // Those that can be printed, and \b \t \n \f \r.
  return (byte >= 32 && byte < 127) || byte === 8 || byte === 9 || byte === LF || byte === 12 || byte === CR
}
