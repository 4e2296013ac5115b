import { createWriteStream, existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { get } from 'node:https'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { MlforgeError } from '../../domain/errors.js'
import { lastLines, run } from './command.js'
import { findProgram, isExecutable } from './find-program.js'
import { packageRoot } from './package-root.js'

const TEMPORAL_VERSION = '1.8.2'
export const GO_VERSION = '1.26.4'
const CONNECT_MS = 5000

export interface TemporalSearch {
  /** MLFORGE_TEMPORAL_PATH, or empty. */
  readonly configured: string
  readonly cacheDirectory: string
  readonly offline: boolean
}

const cachedTemporal = (cacheDirectory: string) => join(cacheDirectory, 'bin', `temporal-${TEMPORAL_VERSION}`)

/** True for the pinned version and for later ones of the same major version. */
export function isRecentEnough(version: string, wanted: string): boolean {
  const numbers = (text: string) => (/\d+\.\d+(\.\d+)?/.exec(text)?.[0] ?? '0.0').split('.').map(Number)
  const [major = 0, minor = 0, patch = 0] = numbers(version)
  const [wantedMajor = 0, wantedMinor = 0, wantedPatch = 0] = numbers(wanted)
  if (major !== wantedMajor) return false
  return minor > wantedMinor || (minor === wantedMinor && patch >= wantedPatch)
}

async function versionOf(program: string): Promise<string> {
  const { code, stdout } = await run(program, ['--version'], { timeoutMs: 10_000 })
  return code === 0 ? (/temporal version (\S+)/.exec(stdout)?.[1] ?? '') : ''
}

/** The program that would be used, or undefined when it must be fetched or built first. */
export async function findTemporal({
  configured,
  cacheDirectory,
}: TemporalSearch): Promise<string | undefined> {
  if (configured !== '') {
    if (isExecutable(configured)) return configured
    throw new MlforgeError(
      'configuration_invalid',
      `MLFORGE_TEMPORAL_PATH names ${configured}, which is no program.`,
    )
  }
  const onPath = findProgram('temporal')
  if (onPath !== undefined && isRecentEnough(await versionOf(onPath), TEMPORAL_VERSION)) return onPath
  const cached = cachedTemporal(cacheDirectory)
  return isExecutable(cached) ? cached : undefined
}

/** Finds Temporal's program, or gets it: the vendor's download, else a build from the pinned sources. */
export async function resolveTemporal(
  search: TemporalSearch,
  progress: (line: string) => void,
): Promise<string> {
  const found = await findTemporal(search)
  if (found !== undefined) return found
  const cached = cachedTemporal(search.cacheDirectory)
  await mkdir(join(search.cacheDirectory, 'bin'), { recursive: true })
  const work = await mkdtemp(join(search.cacheDirectory, 'bin', '.temporal-'))
  try {
    const reasons: string[] = []
    const ways = [
      { name: 'download', run: () => download(work, search.offline, progress) },
      { name: 'build', run: () => build(work, progress) },
    ]
    for (const way of ways) {
      try {
        const program = await way.run()
        if ((await versionOf(program)) !== TEMPORAL_VERSION) throw new Error('what came does not run here')
        await rename(program, cached)
        return cached
      } catch (error) {
        reasons.push(`${way.name}: ${(error as Error).message}`)
        progress(`temporal ${way.name}: ${(error as Error).message}`)
      }
    }
    throw new MlforgeError(
      'unavailable',
      `Temporal ${TEMPORAL_VERSION} could not be had (${reasons.join('; ')}). Put its program on PATH, set ` +
        `MLFORGE_TEMPORAL_PATH, or install Go ${GO_VERSION} or later so that it can be built.`,
    )
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function download(work: string, offline: boolean, progress: (line: string) => void): Promise<string> {
  if (offline) throw new Error('skipped, because MLFORGE_OFFLINE is set')
  const platform = `${process.platform}&arch=${process.arch === 'x64' ? 'amd64' : process.arch}`
  progress(`temporal: downloading ${TEMPORAL_VERSION} from temporal.download`)
  const archive = join(work, 'temporal.tar.gz')
  await fetchFile(`https://temporal.download/cli/archive/v${TEMPORAL_VERSION}?platform=${platform}`, archive)
  const unpacked = await run('tar', ['-xzf', archive, '-C', work, 'temporal'])
  if (unpacked.code !== 0)
    throw new Error(`not an archive with the program: ${lastLines(unpacked.stderr, 1)}`)
  await chmod(join(work, 'temporal'), 0o755)
  return join(work, 'temporal')
}

/** Downloads a file, following redirects; gives up when no connection stands within five seconds. */
async function fetchFile(url: string, path: string, redirects = 5): Promise<void> {
  const next = await new Promise<string | undefined>((resolve, reject) => {
    const request = get(url, response => {
      clearTimeout(timer)
      const { statusCode = 0, headers } = response
      if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined && redirects > 0) {
        response.resume()
        resolve(new URL(headers.location, url).href)
      } else if (statusCode !== 200) {
        response.resume()
        reject(new Error(`${new URL(url).host} answered ${statusCode}`))
      } else {
        response.setTimeout(30_000, () => response.destroy(new Error('the download stalled')))
        pipeline(response, createWriteStream(path)).then(() => resolve(undefined), reject)
      }
    })
    const timer = setTimeout(() => request.destroy(new Error('no connection within 5 s')), CONNECT_MS)
    request.on('error', error => {
      clearTimeout(timer)
      reject(error)
    })
  })
  if (next !== undefined) await fetchFile(next, path, redirects - 1)
}

/** Version of the Go on PATH; empty when there is none. */
export async function goVersion(): Promise<string> {
  const { code, stdout } = await run('go', ['env', 'GOVERSION'], { env: goEnvironment() })
  return code === 0 ? stdout.trim().replace(/^go/, '') : ''
}

export const goEnvironment = () => ({ ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '-buildvcs=false' })

async function build(work: string, progress: (line: string) => void): Promise<string> {
  const version = await goVersion()
  if (!isRecentEnough(version, GO_VERSION)) {
    throw new Error(
      `needs Go ${GO_VERSION} or later, ${version === '' ? 'there is none' : `here is ${version}`}`,
    )
  }
  const sources = join(packageRoot, 'infra', 'temporal')
  if (!existsSync(join(sources, 'go.mod'))) throw new Error(`${sources} is missing`)
  progress(`temporal: building ${TEMPORAL_VERSION} with Go ${version}, once; this takes about 7 minutes`)
  const program = join(work, 'temporal')
  const stamp = `-X github.com/temporalio/cli/internal/temporalcli.Version=${TEMPORAL_VERSION}`
  const began = Date.now()
  let packages = 0
  const report = () =>
    progress(`temporal: ${packages} packages compiled after ${Math.round((Date.now() - began) / 1000)} s`)
  const ticker = setInterval(report, 15_000)
  try {
    const built = await run(
      'go',
      ['build', '-v', '-ldflags', `-s -w ${stamp}`, '-o', program, 'github.com/temporalio/cli/cmd/temporal'],
      { cwd: sources, env: goEnvironment(), onLine: () => packages++ },
    )
    if (built.code !== 0) throw new Error(lastLines(built.stderr, 3))
  } finally {
    clearInterval(ticker)
  }
  return program
}
