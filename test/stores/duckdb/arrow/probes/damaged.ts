import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MlforgeError } from '../../../../../domain/errors.js'
import { peakResidentBytes } from '../../../../../inference/peak-memory.js'
import { convertArrow } from '../../../../../stores/duckdb/arrow/convert.js'
import { confine } from '../../../../../stores/duckdb/arrow/confine.js'

// Reads a file once for each seed, with one byte of it another: what came of each, and the memory that all took.

const [file, directory, from, to, megabytes] = process.argv.slice(2)
confine({ parent: process.ppid, megabytes: Number(megabytes) })
const whole = await readFile(file!)
const outcomes: string[] = []
for (let seed = Number(from); seed < Number(to); seed++) {
  const damaged = Buffer.from(whole)
  const at = Math.floor((seed * 0.618033988749895 * whole.length) % whole.length)
  damaged[at]! ^= 1 + ((seed * 97) % 255)
  const [given, out] = [join(directory!, 'damaged'), join(directory!, 'out')]
  await writeFile(given, seed % 5 === 4 ? damaged.subarray(0, Math.max(8, at)) : damaged)
  await rm(out, { force: true })
  outcomes.push(
    await convertArrow(given, out, directory!).then(
      () => 'read',
      (error: unknown) => (error instanceof MlforgeError ? error.code : String(error)),
    ),
  )
}
console.log(JSON.stringify({ outcomes, peakMb: peakResidentBytes() / 2 ** 20 }))
