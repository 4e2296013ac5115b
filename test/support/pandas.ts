import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { virtualenv } from '../../bench/virtualenv.js'

const run = promisify(execFile)

const REQUIREMENTS = ['numpy==2.4.6', 'pandas==3.1.1', 'pyarrow==26.0.1']

/** Runs a script with pandas; its last line of output, read as JSON. */
export async function pandas<T>(script: string, ...args: string[]): Promise<T> {
  const { stdout } = await run(await virtualenv('pandas', REQUIREMENTS), ['-c', script, ...args], {
    maxBuffer: 64 << 20,
  })
  return JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as T
}
