import { execFile } from 'node:child_process'
import { hash } from 'node:crypto'
import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { canBeDvcRemote, dvcConfigText } from '../../../domain/data/dvc/config.js'
import { dotDvcText } from '../../../domain/data/dvc/metafiles.js'
import type { FileEntry } from '../../../domain/data/nodes.js'
import { type DvcTreeEntry, dvcTreeText } from '../../../domain/data/dvc/tree.js'
import { MlforgeError } from '../../../domain/errors.js'
import { refuse } from '../copy.js'
import type { DataClient, TransferOptions } from '../data-client.js'
import { gitRoot } from '../lock-file.js'
import { said } from '../said.js'
import { WorkingCopy } from '../working-copy.js'
import type { DvcOptions } from './import.js'
import { md5sOf } from './md5.js'
import { objectPath } from './objects.js'

const run = promisify(execFile)
const GIT_MS = 30_000

const REMOTE = 'mlforge'
/** What DVC takes for its own or leaves out, wherever it is. */
const RESERVED = new Set(['.dvc', '.dvcignore', '.hg'])

/** What was written. */
export interface ExportedToDvc {
  readonly directory: string
  readonly files: number
  readonly bytes: number
  /** Files that may be executed, which DVC does not record of those in a directory. */
  readonly executable: number
}

/** Puts the files of a version into a working copy that has none. */
export type FillCopy = (
  copy: WorkingCopy,
) => Promise<{ readonly version: number | null; readonly manifest: string }>

/** What is committed in a working copy. @throws MlforgeError wrong_state where nothing is, or files have changed */
export function committedFiles(source: WorkingCopy): FillCopy {
  return async copy => {
    const { branch, version, manifest, draft } = source.head
    if (manifest === null) {
      throw new MlforgeError('wrong_state', `Nothing is committed in "${source.root}". Commit first.`)
    }
    await copy.checkout({ branch, version: version ?? 0, manifest }, await source.committed())
    return { version: draft === null ? version : null, manifest }
  }
}

/** A version of the server, by number, `latest`, branch, tag or instant in braces. */
export function versionFiles(client: DataClient, selector: string, options: TransferOptions = {}): FillCopy {
  return copy => client.pull(copy, selector, options)
}

/**
 * Writes a version as a repository of DVC: a directory called as the dataset, tracked by one `.dvc` file, and a
 * remote in `.dvc` that has the objects. It is there whole or not at all.
 * @throws MlforgeError already_exists for a target that is there, invalid_request for names that DVC does not track
 */
export async function exportDvc(
  target: string,
  dataset: string,
  fill: FillCopy,
  options: DvcOptions = {},
): Promise<ExportedToDvc> {
  const directory = resolve(target)
  let aside: string | null = null
  try {
    refuseTarget(directory)
    aside = besideOf(directory)
    const done = await writeRepository(aside, directory, dataset, fill, options)
    if (gitRoot(dirname(directory)) === null) await initGit(aside)
    refuseTarget(directory)
    renameSync(aside, directory)
    return { directory, ...done }
  } catch (error) {
    throw said(error)
  } finally {
    if (aside !== null) rmSync(aside, { recursive: true, force: true })
  }
}

/** Makes where it is put together, after what killed processes have left there. */
function besideOf(directory: string): string {
  const parent = dirname(directory)
  mkdirSync(parent, { recursive: true })
  removeAbandoned(parent, basename(directory))
  const aside = join(parent, `.${basename(directory)}.${process.pid}.partial`)
  mkdirSync(aside)
  return aside
}

async function writeRepository(
  aside: string,
  directory: string,
  dataset: string,
  fill: FillCopy,
  options: DvcOptions,
): Promise<Omit<ExportedToDvc, 'directory'>> {
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(aside, path)), { recursive: true })
    writeFileSync(join(aside, path), text)
  }
  const files = join(aside, 'files')
  mkdirSync(files)
  const copy = WorkingCopy.init(files, dataset)
  try {
    const { version, manifest } = await fill(copy)
    const all = copy.files()
    refuseNames(all)
    const remote = join('.dvc', REMOTE)
    const entries = await moveObjects(files, all, join(aside, remote), options)
    const list = dvcTreeText(entries)
    const md5 = hash('md5', list, 'hex')
    put(join(remote, objectPath({ md5, hash: 'md5' }, '.dir')), list)
    const bytes = all.reduce((sum, file) => sum + file.bytes, 0)
    const tracked = { path: dataset, md5, bytes, files: entries.length }
    put(`${dataset}.dvc`, dotDvcText(tracked, { dataset, version, manifest }))
    put('.dvc/config', dvcConfigText(REMOTE, join(directory, remote)))
    put('.dvc/.gitignore', `/config.local\n/tmp\n/cache\n/${REMOTE}\n`)
    put('.gitignore', `/${dataset}\n`)
    const executable = all.filter(({ isExecutable }) => isExecutable).length
    return { files: entries.length, bytes, executable }
  } finally {
    await copy.close()
    rmSync(files, { recursive: true, force: true })
  }
}

/** Hashes files, and makes them the objects of a remote, each content once. */
async function moveObjects(
  directory: string,
  files: readonly FileEntry[],
  remote: string,
  { signal, onProgress }: DvcOptions,
): Promise<DvcTreeEntry[]> {
  const totals = {
    totalFiles: files.length,
    totalBytes: files.reduce((sum, file) => sum + file.bytes, 0),
  }
  let bytes = 0
  const entries: DvcTreeEntry[] = []
  const report = () => onProgress?.({ files: entries.length, bytes, ...totals })
  const onRead = (read: number) => {
    bytes += read
    report()
  }
  for (const { path } of files) {
    const file = join(directory, path)
    const [md5] = (await md5sOf(file, 'md5', { signal, onRead })).md5s as [string]
    const object = join(remote, objectPath({ md5, hash: 'md5' }))
    mkdirSync(dirname(object), { recursive: true })
    renameSync(file, object)
    entries.push({ relpath: path, md5 })
  }
  report()
  return entries
}

function refuseNames(files: readonly FileEntry[]): void {
  refuse(
    'Nothing was exported.',
    files
      .filter(({ path }) => path.split('/').some(part => RESERVED.has(part)))
      .map(({ path }) => ({ at: path, message: 'DVC tracks no file of this name. Rename it.' })),
  )
}

function refuseTarget(directory: string): void {
  if (!canBeDvcRemote(directory)) {
    const message = 'The configuration of DVC cannot hold its name. Use another one.'
    refuse('Nothing was exported.', [{ at: directory, message }])
  }
  if (!lstatSync(directory, { throwIfNoEntry: false })) return
  throw new MlforgeError('already_exists', `"${directory}" is there already. Name a directory that is not.`)
}

/** What processes that were killed have left. */
function removeAbandoned(parent: string, name: string): void {
  for (const entry of readdirSync(parent)) {
    if (!entry.startsWith(`.${name}.`)) continue
    const pid = /^(\d+)\.partial$/.exec(entry.slice(name.length + 2))?.[1]
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) {
      rmSync(join(parent, entry), { recursive: true, force: true })
    }
  }
}

async function initGit(directory: string): Promise<void> {
  try {
    await run('git', ['init', '-q', directory], { timeout: GIT_MS })
  } catch (error) {
    throw new MlforgeError(
      'unavailable',
      `DVC works in git repositories, and git could not make one: ${(error as Error).message.trim()}`,
    )
  }
}
