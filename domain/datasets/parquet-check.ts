import { MlforgeError } from '../errors.js'
import { joined } from './joined.js'

/** Magic at both ends, four bytes with the length of the footer, and a footer. */
const LEAST = 13
const TAIL = 8

/**
 * Checks while the bytes of a Parquet file stream by that it ends as it must (Apache Parquet format, "File
 * format"): a file that was cut off does not. What is within is looked at when it is read.
 */
export class ParquetChecker {
  private bytes = 0
  private tail = new Uint8Array(0)

  push(chunk: Uint8Array): void {
    this.bytes += chunk.length
    const last = chunk.length >= TAIL ? chunk : joined(this.tail, chunk)
    this.tail = last.slice(Math.max(0, last.length - TAIL))
  }

  /** To be called after the last chunk. @throws MlforgeError parquet_malformed, format_unsupported */
  end(): { readonly bytes: number } {
    const magic = String.fromCharCode(...this.tail.subarray(TAIL - 4))
    if (this.bytes < LEAST || magic !== 'PAR1')
      throw parquetMalformed('it does not end as one: it may have been cut off')
    const footer = new DataView(this.tail.buffer, this.tail.byteOffset).getUint32(0, true)
    if (footer + LEAST - 1 > this.bytes) {
      throw parquetMalformed(`its footer is said to have ${footer} bytes, more than the file`)
    }
    return { bytes: this.bytes }
  }
}

export function parquetMalformed(why: string): MlforgeError {
  return new MlforgeError(
    'parquet_malformed',
    `The file is no Parquet that can be read: ${why}. Write it again and send it whole.`,
    { reason: why },
  )
}
