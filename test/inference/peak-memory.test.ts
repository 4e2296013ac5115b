import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import { peakResidentBytes } from '../../inference/peak-memory.js'

const MODULE = fileURLToPath(new URL('../../inference/peak-memory.js', import.meta.url))
const MIB = 2 ** 20

const run = promisify(execFile)

describe('the peak of the memory of a process', () => {
  it('is its own, whatever its parent had', async () => {
    const peak = async (source: string): Promise<number> => {
      const program = `const { peakResidentBytes } = await import(${JSON.stringify(MODULE)}); ${source}`
      const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program])
      return Number(stdout)
    }
    const alone = await peak('console.log(peakResidentBytes())')
    expect(alone).toBeGreaterThan(10 * MIB)
    // What was taken and given back counts.
    const large = await peak(
      `let taken = Buffer.alloc(${200 * MIB}, 1); taken = null; console.log(peakResidentBytes())`,
    )
    expect(large).toBeGreaterThan(alone + 150 * MIB)
    const child = await peak(`
      const taken = Buffer.alloc(${200 * MIB}, 1)
      const { execFileSync } = await import('node:child_process')
      const source = 'import(process.argv[1]).then(({ peakResidentBytes }) => console.log(peakResidentBytes()))'
      console.log(String(execFileSync(process.execPath, ['--eval', source, ${JSON.stringify(MODULE)}])))
      if (taken[0] !== 1) throw new Error('It was not kept.')`)
    expect(child).toBeLessThan(alone + 50 * MIB)
    expect(peakResidentBytes()).toBeGreaterThan(10 * MIB)
  })
})
