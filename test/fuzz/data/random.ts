import { madeBytes } from '../../domain/data/made-bytes.js'

const { imul } = Math

/** Draws that are always the same for the same seed (mulberry32). */
export class Random {
  constructor(private state: number) {}

  /** 32 bits, not negative: a seed for another one. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0
    let word = imul(this.state ^ (this.state >>> 15), this.state | 1)
    word ^= word + imul(word ^ (word >>> 7), word | 61)
    return (word ^ (word >>> 14)) >>> 0
  }

  below(most: number): number {
    return this.next() % most
  }

  /** Both ends may be drawn. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  oneIn(many: number): boolean {
    return this.below(many) === 0
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!
  }

  bytes(size: number): Buffer {
    return madeBytes(size, this.next())
  }
}
