import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** What our files are compared with: the official Python packages, at these versions. */
const REQUIREMENTS = [
  'flatbuffers==25.12.19',
  'numpy==2.4.6',
  'onnxruntime==1.32.0',
  'packaging==26.3',
  'protobuf==7.36.2',
  'pyarrow==26.0.1',
  'scipy==1.17.1',
]
/** Its metadata asks for a newer Python than it needs. */
const XGBOOST = 'xgboost-cpu==3.4.1'

export const cacheDirectory = (): string =>
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'mlforge')

let ready: Promise<string> | undefined

/** The `python` of a virtualenv with the packages above, built once for each set of versions. */
function pythonWithPackages(): Promise<string> {
  return (ready ??= build())
}

/** Runs a Python script with the packages; its last line of output, read as JSON. */
export async function python<T>(script: string, ...args: string[]): Promise<T> {
  const { stdout } = await run(await pythonWithPackages(), ['-c', script, ...args], {
    maxBuffer: 64 << 20,
    env: { ...process.env, OMP_WAIT_POLICY: 'passive' },
  })
  return JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as T
}

async function build(): Promise<string> {
  const hash = createHash('sha256')
    .update([...REQUIREMENTS, XGBOOST].join('\n'))
    .digest('hex')
    .slice(0, 12)
  const cache = cacheDirectory()
  const name = `venv-${hash}`
  const finished = join(cache, name)
  const interpreter = join(finished, 'bin', 'python')
  if (existsSync(interpreter)) return interpreter

  await mkdir(cache, { recursive: true })
  await removeAbandoned(cache)
  // Renamed only when complete: what stands under the final name can be used.
  const partial = join(cache, `${name}.${process.pid}.partial`)
  const partialPython = join(partial, 'bin', 'python')
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary=:all:']
  try {
    await run('python3', ['-m', 'venv', partial])
    await run(partialPython, [...pip, ...REQUIREMENTS])
    await run(partialPython, [...pip, '--no-deps', '--ignore-requires-python', XGBOOST])
    await rename(partial, finished)
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    // Another process may have been faster.
    if (!existsSync(interpreter)) throw error
  }
  return interpreter
}

/** Removes what killed builders left behind. */
async function removeAbandoned(cache: string): Promise<void> {
  for (const entry of await readdir(cache)) {
    const pid = /^venv-.*\.(\d+)\.partial$/.exec(entry)?.[1]
    if (pid !== undefined && !existsSync(`/proc/${pid}`))
      await rm(join(cache, entry), { recursive: true, force: true })
  }
}
