import { Precision } from 'apache-arrow'
import type { BatchParts } from './parts.js'

/** Whether the bit of a row is set. */
export type Bits = (row: number) => boolean

/** @throws RangeError where a buffer has fewer bytes than its values need */
export function assertBytes(bytes: Uint8Array, needed: number): void {
  if (bytes.length < needed)
    throw new RangeError(`a buffer of ${bytes.length} bytes, where ${needed} are needed`)
}

export function bitsOf(bytes: Uint8Array, length: number): Bits {
  assertBytes(bytes, Math.ceil(length / 8))
  return row => ((bytes[row >> 3]! >> (row & 7)) & 1) === 1
}

/** Which rows have a value; null where all have one. */
export function validity(parts: BatchParts, length: number, nullCount: number): Bits | null {
  if (nullCount === 0) {
    parts.skipBuffer()
    return null
  }
  const bits = bitsOf(parts.nextBuffer(), length)
  let missing = 0
  for (let row = 0; row < length; row++) if (!bits(row)) missing++
  if (missing !== nullCount)
    throw new RangeError(`${missing} missing values, where ${nullCount} are announced`)
  return bits
}

interface TypedArray<T> {
  readonly [index: number]: T
}

interface TypedArrayOf<A> {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBuffer, byteOffset: number, length: number): A
}

function viewOf<A>(Array: TypedArrayOf<A>, bytes: Uint8Array<ArrayBuffer>, length: number): A {
  assertBytes(bytes, length * Array.BYTES_PER_ELEMENT)
  return new Array(bytes.buffer, bytes.byteOffset, length)
}

const INTEGERS = {
  signed: { 8: Int8Array, 16: Int16Array, 32: Int32Array, 64: BigInt64Array },
  unsigned: { 8: Uint8Array, 16: Uint16Array, 32: Uint32Array, 64: BigUint64Array },
} as const

export function integers(
  parts: BatchParts,
  length: number,
  { bitWidth, isSigned }: { readonly bitWidth: 8 | 16 | 32 | 64; readonly isSigned: boolean },
): (row: number) => number | bigint {
  const Array: TypedArrayOf<TypedArray<number | bigint>> | undefined =
    INTEGERS[isSigned ? 'signed' : 'unsigned'][bitWidth]
  if (!Array) throw new RangeError(`integers of ${bitWidth} bits`)
  const values = viewOf(Array, parts.nextBuffer(), length)
  return row => values[row]!
}

export function bigints(bytes: Uint8Array<ArrayBuffer>, length: number): BigInt64Array {
  return viewOf(BigInt64Array, bytes, length)
}

/** Integers of 32 to 256 bits, the lowest first. */
export function wideIntegers(
  bytes: Uint8Array<ArrayBuffer>,
  length: number,
  bitWidth: number,
): (row: number) => bigint {
  if (bitWidth === 32) {
    const values = viewOf(Int32Array, bytes, length)
    return row => BigInt(values[row]!)
  }
  if (![64, 128, 256].includes(bitWidth)) throw new RangeError(`decimals of ${bitWidth} bits`)
  const words = bitWidth / 64
  const values = viewOf(BigUint64Array, bytes, length * words)
  return row => {
    let value = 0n
    for (let i = words - 1; i >= 0; i--) value = (value << 64n) | values[row * words + i]!
    return BigInt.asIntN(bitWidth, value)
  }
}

export function floats(parts: BatchParts, length: number, precision: Precision): (row: number) => number {
  const Array: TypedArrayOf<TypedArray<number>> = precision === Precision.SINGLE ? Float32Array : Float64Array
  const values = viewOf(Array, parts.nextBuffer(), length)
  return row => values[row]!
}

/** Floats of 16 bits (IEEE 754 binary16). */
export function halves(parts: BatchParts, length: number): (row: number) => number {
  const values = viewOf(Uint16Array, parts.nextBuffer(), length)
  return row => {
    const bits = values[row]!
    const exponent = (bits >> 10) & 31
    const fraction = bits & 1023
    const sign = bits >> 15 === 1 ? -1 : 1
    if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
    return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15))
  }
}

/** Where values of variable length begin, and at `length` where the last ends: never before the one ahead of it. */
export function offsetsOf(
  bytes: Uint8Array<ArrayBuffer>,
  length: number,
  isLarge: boolean,
): Int32Array | Float64Array {
  // Without a value there may be no offset either.
  if (length === 0) return new Int32Array(1)
  const offsets = isLarge
    ? Float64Array.from(viewOf(BigInt64Array, bytes, length + 1), Number)
    : viewOf(Int32Array, bytes, length + 1)
  let last = 0
  for (const offset of offsets) {
    if (offset < last) throw new RangeError('a value that ends before it begins')
    last = offset
  }
  return offsets
}
