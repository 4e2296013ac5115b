import type { SoakArguments } from '../soak.js'

/** Seeds 1 to n, or only those that are named. */
export function seedsOf({ seeds, only }: SoakArguments): number[] {
  const wanted = only.length > 0 ? only.map(Number) : Array.from({ length: seeds }, (_, at) => at + 1)
  const wrong = only.filter((_, at) => !Number.isInteger(wanted[at]))
  if (wrong.length > 0) throw new Error(`${wrong.join(', ')} is no seed: name whole numbers, or SEEDS=n.`)
  if (wanted.length === 0) throw new Error('Say how many seeds: SEEDS=100.')
  return wanted
}
