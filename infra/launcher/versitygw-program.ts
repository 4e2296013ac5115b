import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { MlforgeError } from '../../domain/errors.js'
import { lastLines, run } from './command.js'
import { findProgram, isExecutable } from './find-program.js'
import { GO_VERSION, goEnvironment, goVersion, isRecentEnough } from './temporal-program.js'

const VERSITYGW_VERSION = '1.7.0'
const SOURCE = `github.com/versity/versitygw/cmd/versitygw@v${VERSITYGW_VERSION}`
const BUILD_MS = 15 * 60_000

const cachedVersitygw = (cacheDirectory: string) =>
  join(cacheDirectory, 'bin', `versitygw-${VERSITYGW_VERSION}`)

/** The S3 server of tests that would be used: the pinned one, else one on PATH; undefined where there is none. */
export function findVersitygw(cacheDirectory: string): string | undefined {
  const cached = cachedVersitygw(cacheDirectory)
  return isExecutable(cached) ? cached : findProgram('versitygw')
}

/** Finds it, or builds the pinned version. @throws MlforgeError unavailable */
export async function resolveVersitygw(
  cacheDirectory: string,
  progress: (line: string) => void,
): Promise<string> {
  const found = findVersitygw(cacheDirectory)
  if (found !== undefined) return found
  const version = await goVersion()
  if (!isRecentEnough(version, GO_VERSION)) {
    throw cannotBeHad(`it needs Go ${GO_VERSION}, ${version === '' ? 'there is none' : `here is ${version}`}`)
  }
  const cached = cachedVersitygw(cacheDirectory)
  await mkdir(join(cacheDirectory, 'bin'), { recursive: true })
  const work = await mkdtemp(join(cacheDirectory, 'bin', '.versitygw-'))
  try {
    progress(`versitygw: building ${VERSITYGW_VERSION} with Go ${version}, once; this takes about 2 minutes`)
    const env = { ...goEnvironment(), GOBIN: work }
    const built = await run('go', ['install', '-ldflags', '-s -w', SOURCE], { env, timeoutMs: BUILD_MS })
    if (built.code !== 0) throw cannotBeHad(lastLines(built.stderr, 3))
    await rename(join(work, 'versitygw'), cached)
    return cached
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

function cannotBeHad(why: string): MlforgeError {
  return new MlforgeError(
    'unavailable',
    `VersityGW ${VERSITYGW_VERSION} could not be had (${why}). Put versitygw on PATH, or install Go ${GO_VERSION} or later so that it can be built.`,
  )
}
