/**
 * A permutation of 0..n-1: position i takes the value of position `result[i]`. Fisher-Yates (Durstenfeld
 * 1964) with xoshiro128** (Blackman and Vigna 2018), seeded through SplitMix32; without modulo bias.
 * The same n and seed give the same permutation on every machine.
 * @throws RangeError for a seed that is no whole number of 0 to 2^32 - 1
 */
export function permutation(n: number, seed: number): Uint32Array {
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)
    throw new RangeError(`seed ${seed} is not 0 to 2^32 - 1`)
  const next = xoshiro128(seed)
  const result = Uint32Array.from({ length: n }, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = below(i + 1, next)
    const kept = result[i]!
    result[i] = result[j]!
    result[j] = kept
  }
  return result
}

/** Uniform on 0..bound-1: what lies past the last whole multiple of the bound is drawn again. */
function below(bound: number, next: () => number): number {
  const limit = 2 ** 32 - (2 ** 32 % bound)
  for (;;) {
    const drawn = next()
    if (drawn < limit) return drawn % bound
  }
}

function xoshiro128(seed: number): () => number {
  let state = seed
  const split = (): number => {
    state = (state + 0x9e3779b9) | 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
  let [a, b, c, d] = [split(), split(), split(), split()]
  return () => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = rotate(d, 11)
    return result
  }
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by))
}
