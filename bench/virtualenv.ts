import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheDirectory } from '../test/support/python.js'

const run = promisify(execFile)

/**
 * The `python` of a virtualenv of a peer, built once for each set of versions.
 * @param fromSource packages of which there is nothing but source
 */
export async function virtualenv(
  name: string,
  requirements: readonly string[],
  fromSource: readonly string[] = [],
): Promise<string> {
  const hash = createHash('sha256').update(requirements.join('\n')).digest('hex').slice(0, 12)
  const finished = join(cacheDirectory(), `bench-${name}-${hash}`)
  const python = join(finished, 'bin', 'python')
  if (existsSync(python)) return python
  await mkdir(cacheDirectory(), { recursive: true })
  const partial = `${finished}.${process.pid}.partial`
  try {
    await run('python3', ['-m', 'venv', partial])
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary=:all:']
    pip.push(...fromSource.map(each => `--no-binary=${each}`))
    await run(join(partial, 'bin', 'python'), [...pip, ...requirements])
    await rename(partial, finished)
  } catch (error) {
    // Another process may have been faster.
    if (!existsSync(python)) throw error
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  return python
}
