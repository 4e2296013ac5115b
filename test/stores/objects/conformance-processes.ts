import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from '@jest/globals'
import type { StoreUnderTest } from './conformance.js'

const script = (name: string) => fileURLToPath(new URL(`./probes/${name}.js`, import.meta.url))

/** What holds of a store that other processes have open too. */
export function processConformance(tested: () => StoreUnderTest): void {
  it('shows nothing of a writer that was killed in mid-write', async () => {
    const before = await tested().list()
    const writer = spawn(process.execPath, [script('stalled-writer'), JSON.stringify(tested().spec)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(writer, 'exit')
    try {
      const started = once(writer.stdout!, 'data')
      const first = await Promise.race([started, exited])
      expect(String(first[0])).toContain('half')
    } finally {
      writer.kill('SIGKILL')
      await exited
    }
    expect(await tested().list()).toEqual(before)
  })

  it('streams in bounded memory', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      script('streaming-process'),
      JSON.stringify(tested().spec),
    ])
    const { whole, grownMiB } = JSON.parse(stdout) as { whole: boolean; grownMiB: number }
    expect(whole).toBe(true)
    // Of 384 MiB that went through.
    expect(grownMiB).toBeLessThan(192)
  })
}
