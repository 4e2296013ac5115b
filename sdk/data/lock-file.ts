import { existsSync, lstatSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { MlforgeError } from '../../domain/errors.js'
import { said } from './said.js'

/** The file in git that says which version of each dataset belongs to the code beside it. */
const LOCK_FILE = 'mlforge.lock'

const FORMAT = 1

/** A dataset as the lock file pins it. */
export interface Pinned {
  /** Its directory, relative to the lock file. */
  readonly path: string
  readonly version: number
  /** Root of its files. */
  readonly manifest: string
}

export interface LockFile {
  /** The directory that it is in. */
  readonly root: string
  readonly datasets: Readonly<Record<string, Pinned>>
}

/** Where the git repository that a directory is in begins; null outside of one. */
export function gitRoot(directory: string): string | null {
  for (let at = resolve(directory); ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return at
    if (dirname(at) === at) return null
  }
}

/**
 * The lock file of a directory: the nearest above it, else the one that is to be in the root of its git repository.
 * @returns null where there is none and no repository that it could be in
 * @throws MlforgeError unsupported_format, invalid_request for one that cannot be read
 */
export function readLock(directory: string): LockFile | null {
  for (let root = resolve(directory); ; root = dirname(root)) {
    if (existsSync(join(root, LOCK_FILE))) return { root, datasets: read(join(root, LOCK_FILE)) }
    if (existsSync(join(root, '.git'))) return { root, datasets: {} }
    if (dirname(root) === root) return null
  }
}

/**
 * Pins a dataset to a version, where there is a lock file or a git repository. False where there is neither.
 * @throws MlforgeError as readLock; forbidden
 */
export function pin(
  directory: string,
  dataset: string,
  { version, manifest }: Pick<Pinned, 'version' | 'manifest'>,
): boolean {
  const lock = readLock(directory)
  if (lock === null) return false
  const path = relative(lock.root, resolve(directory)).split(sep).join('/') || '.'
  const datasets = { ...lock.datasets, [dataset]: { path, version, manifest } }
  const sorted = Object.fromEntries(Object.entries(datasets).sort(([a], [b]) => (a < b ? -1 : 1)))
  const file = join(lock.root, LOCK_FILE)
  try {
    writeFileSync(`${file}.tmp`, `${JSON.stringify({ format: FORMAT, datasets: sorted }, null, 2)}\n`)
    renameSync(`${file}.tmp`, file)
  } catch (error) {
    const told = said(error)
    if (!(told instanceof MlforgeError)) throw told
    throw new MlforgeError(
      told.code,
      `${told.message} "${dataset}" is not pinned to version ${version}: mlforge data checkout ${version} does it then.`,
    )
  }
  return true
}

/**
 * Where a pinned dataset is.
 * @throws MlforgeError invalid_request where that is not within the directory of the lock file: by a link, or by its path
 */
export function directoryOf({ root }: Pick<LockFile, 'root'>, { path }: Pick<Pinned, 'path'>): string {
  const directory = resolve(root, path)
  let there = directory
  // A link that leads nowhere is there as well.
  while (lstatSync(there, { throwIfNoEntry: false }) === undefined) there = dirname(there)
  if (existsSync(there) && isWithin(realpathSync(root), realpathSync(there))) return directory
  throw new MlforgeError(
    'invalid_request',
    `"${path}" of ${LOCK_FILE} leads out of "${root}". Datasets are below the lock file that pins them.`,
  )
}

function isWithin(root: string, path: string): boolean {
  const from = relative(root, path)
  return from !== '..' && !from.startsWith(`..${sep}`) && !isAbsolute(from)
}

/** A path below the lock file, with slashes. */
function isBelow(path: unknown): path is string {
  if (typeof path !== 'string' || path === '' || path.startsWith('/') || path.includes('\\')) return false
  return !path.split('/').includes('..') && !path.includes('\0')
}

function read(file: string): Record<string, Pinned> {
  let found: unknown
  try {
    found = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new MlforgeError(
      'invalid_request',
      `"${file}" is no JSON (${(error as Error).message}). Is it half merged?`,
    )
  }
  const { format, datasets } = (found ?? {}) as { format?: unknown; datasets?: unknown }
  if (format !== FORMAT) {
    throw new MlforgeError(
      'unsupported_format',
      `"${file}" is of format version ${JSON.stringify(format)}; this release reads version ${FORMAT}.`,
    )
  }
  const problems = Object.entries((datasets ?? {}) as Record<string, Partial<Pinned>>).flatMap(
    ([name, pinned]) => {
      const { path, version, manifest } = pinned ?? {}
      const good = isBelow(path) && Number.isSafeInteger(version) && /^[0-9a-f]{64}$/.test(String(manifest))
      if (good) return []
      const message = 'It has no path below this file, version and manifest.'
      return [{ at: `datasets.${name}`, message }]
    },
  )
  if (problems.length > 0)
    throw new MlforgeError('invalid_request', `"${file}" cannot be read.`, { problems })
  return (datasets ?? {}) as Record<string, Pinned>
}
