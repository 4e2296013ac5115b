import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, it } from '@jest/globals'

const CLI = fileURLToPath(new URL('../../cli/main.js', import.meta.url))

it('ends without a word when nobody reads its output to the end', async () => {
  const command = spawn(process.execPath, [CLI, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] })
  command.stdout.destroy()
  const [said, [code]] = await Promise.all([text(command.stderr), once(command, 'close')])
  expect(said).toBe('')
  expect(code).toBe(0)
})
