import { randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Measured, Tool } from './tools.js'

/** What a client may have resident, and the API and a worker beside what they have in any case, however large a file is. */
export const MEMORY_LIMIT_BYTES = 300e6

const BLOCK_BYTES = 64 * 2 ** 20

/** Adds, pushes and pulls one file of random bytes, below a directory that is there. */
export async function largeFile(
  tool: Tool,
  root: string,
  bytes: number,
): Promise<Readonly<Record<'add' | 'push' | 'pull', Measured>>> {
  const [directory, clone] = [join(root, 'large'), join(root, 'large-clone')]
  mkdirSync(directory)
  await tool.init(directory)
  const file = openSync(join(directory, 'data', 'large.bin'), 'w')
  for (let left = bytes; left > 0; left -= BLOCK_BYTES) {
    writeSync(file, randomBytes(Math.min(left, BLOCK_BYTES)))
  }
  closeSync(file)
  const add = await tool.add(directory)
  const push = await tool.push(directory)
  const pull = await tool.pull(directory, clone)
  const pulled = statSync(join(clone, 'data', 'large.bin')).size
  if (pulled !== bytes) throw new Error(`${pulled} of ${bytes} bytes were pulled.`)
  return { add, push, pull }
}
