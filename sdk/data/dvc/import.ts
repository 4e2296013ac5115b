import { mkdirSync, realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { contentOf } from '../../../domain/data/build.js'
import { type FileEntry, isSameFile } from '../../../domain/data/nodes.js'
import { pathProblems } from '../../../domain/data/paths.js'
import { type ErrorCode, MlforgeError, type Problem } from '../../../domain/errors.js'
import type { FileStat } from '../../../packing/messages.js'
import { applyPlan, conflict, type Written } from '../checkout-apply.js'
import { planCheckout } from '../checkout-plan.js'
import { type Copy, killedCheckout, locked, readHead, refuse, stateFile } from '../copy.js'
import { indexEntry, isExecutable, readIndex } from '../index-file.js'
import { filesAt } from '../status.js'
import { TreeChanges } from '../tree-changes.js'
import { look } from '../walk.js'
import { md5sOf } from './md5.js'
import type { DvcTarget } from './objects.js'
import { type DvcFile, type DvcPlan, notPushed, planImport, type RemoteOptions } from './plan.js'
import { type DvcRepository, openDvcRepository } from './repository.js'

/** How far an import or an export is. */
export type DvcProgress = (done: {
  readonly files: number
  readonly bytes: number
  readonly totalFiles: number
  readonly totalBytes: number
}) => void

export interface DvcOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: DvcProgress
}

export type ImportOptions = DvcOptions & RemoteOptions

/** Objects that come out of a remote at the same time. */
const FETCHES = 8

/** Numbers of files, against the index before. */
export interface ImportedFromDvc {
  readonly added: number
  readonly changed: number
  readonly removed: number
  readonly unchanged: number
  readonly bytes: number
  /** What DVC tracks and was not imported, and why. */
  readonly leftOut: readonly Problem[]
}

/** A file of DVC, verified: where its bytes are by now. */
interface Staged {
  readonly dvc: DvcFile
  readonly file: string
  readonly isInPlace: boolean
  readonly isExecutable: boolean
}

/**
 * Makes files of a working copy those that a repository of DVC tracks, and adds them. All of them are read and
 * verified before the first one gets its place.
 * @param directory in the repository
 * @throws MlforgeError not_found where it is in none, invalid_request with all problems of paths and metafiles,
 *   object_missing and object_corrupt with all such objects, wrong_state with files whose changes would be lost
 */
export function importDvc(copy: Copy, directory: string, options: ImportOptions): Promise<ImportedFromDvc> {
  return locked(copy, async asOf => {
    const repository = openDvcRepository(directory)
    const beside = stateFile(copy.root, 'tmp')
    rmSync(beside, { recursive: true, force: true })
    mkdirSync(beside)
    try {
      const plan = await planImport(repository, realpathSync(copy.root), beside, options)
      refuse('Nothing was imported.', [...plan.problems, ...pathProblems(plan.files.map(({ path }) => path))])
      const { staged, leftOut } = await stage(copy, repository, plan, beside, options)
      const target = await entriesOf(copy, staged, options.signal)
      const done = await putInPlace(copy, plan, staged, { target, leftOut, asOf })
      return { ...done, leftOut: [...plan.leftOut, ...leftOut.map(notPushed)] }
    } finally {
      rmSync(beside, { recursive: true, force: true })
    }
  })
}

/** A file whose object is in no directory. */
interface Away {
  readonly dvc: DvcFile
  readonly to: DvcTarget
  readonly isExecutable: boolean
}

/**
 * Copies, or fetches, what is not in its place already, and verifies all.
 * @returns beside it the paths of files that can be nowhere but where they were made
 */
async function stage(
  copy: Copy,
  { root }: DvcRepository,
  plan: DvcPlan,
  beside: string,
  { signal, onProgress }: DvcOptions,
): Promise<{ staged: Staged[]; leftOut: string[] }> {
  const staged: Staged[] = []
  const leftOut: string[] = []
  const missing = [...plan.missing]
  const corrupt = [...plan.corrupt]
  const totalBytes = plan.files.reduce((sum, { object }) => sum + (object?.bytes ?? 0), 0)
  const totals = { totalFiles: plan.files.length, totalBytes }
  let bytes = 0
  const report = () => onProgress?.({ files: staged.length, bytes, ...totals })
  const away: Away[] = []
  for (const dvc of plan.files) {
    const { path, object, md5, hash } = dvc
    const place = join(copy.root, path)
    const there = look(copy.root, path)
    const mayBeIt = there !== null && (object === null || object.bytes === there.size)
    // What DVC does not say stays as it is.
    const isExecutableThere = there !== null && isExecutable(there)
    if (mayBeIt && (await md5sOf(place, hash, { signal })).md5s.includes(md5)) {
      staged.push({ dvc, file: place, isInPlace: true, isExecutable: isExecutableThere })
      bytes += object?.bytes ?? 0
      report()
      continue
    }
    const file = join(beside, String(staged.length + away.length))
    const executable = dvc.isExecutable ?? isExecutableThere
    const to = { file, mode: executable ? 0o777 : 0o666 }
    if (object === null) {
      away.push({ dvc, to, isExecutable: executable })
      continue
    }
    const onRead = (read: number) => {
      bytes += read
      report()
    }
    const { md5s } = await md5sOf(object.file, hash, { signal, onRead, to })
    if (md5s.includes(md5)) staged.push({ dvc, file, isInPlace: false, isExecutable: executable })
    else {
      rmSync(file)
      corrupt.push({ at: path, message: `"${object.file}" has the MD5 ${md5s[0]!} instead of ${md5}.` })
    }
  }
  await eachOf(away, FETCHES, async ({ dvc, to, isExecutable }) => {
    const { path, md5, hash, isPushed } = dvc
    if (!(await plan.objects.fetch(dvc, '', to, signal))) {
      if (!isPushed) leftOut.push(path)
      else
        missing.push({
          at: path,
          message: `Its object ${md5} is not in ${await plan.objects.lookedIn(dvc)}.`,
        })
      return
    }
    const found = await md5sOf(to.file, hash, { signal })
    if (found.md5s.includes(md5)) staged.push({ dvc, file: to.file, isInPlace: false, isExecutable })
    else corrupt.push({ at: path, message: `Its object ${md5} came with the MD5 ${found.md5s[0]!}.` })
    totals.totalBytes += found.bytes
    bytes += found.bytes
    report()
  })
  report()
  const fetch = `Run dvc fetch in "${root}" and import again.`
  if (corrupt.length > 0) {
    throw damaged('object_corrupt', 'Objects of DVC are damaged.', corrupt, `Remove them. ${fetch}`)
  }
  if (missing.length > 0) throw damaged('object_missing', 'Objects of DVC are missing.', missing, fetch)
  return { staged, leftOut }
}

/** Works on items, some at a time. What fails first ends it, once what is under way has ended. */
async function eachOf<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = items.values()
  let failure: { readonly error: unknown } | undefined
  const take = async (): Promise<void> => {
    for (const item of left) {
      if (failure !== undefined) return
      await work(item).catch((error: unknown) => (failure ??= { error }))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, take))
  if (failure !== undefined) throw failure.error
}

/** Cuts the files into chunks. */
async function entriesOf(
  copy: Copy,
  staged: readonly Staged[],
  signal: AbortSignal | undefined,
): Promise<Map<string, FileEntry>> {
  const entries = new Map<string, FileEntry>()
  const index = readIndex(stateFile(copy.root, 'index.json'))
  const scanned = copy.packing.scan(
    staged.map(({ file }) => file),
    signal ? { signal } : {},
  )
  let next = 0
  for await (const { bytes, chunks, stat } of scanned) {
    const { dvc, file, isExecutable: executable } = staged[next++]!
    const content = contentOf(chunks, copy.nodes.keep)
    const entry = { path: dvc.path, bytes, isExecutable: executable, content }
    const was = index.get(dvc.path)
    if (!was || !isSameFile(was, entry)) await copy.kept.keep(file, indexEntry(dvc.path, content, stat, 0n))
    entries.set(dvc.path, entry)
    copy.nodes.flushMuch()
  }
  return entries
}

async function putInPlace(
  copy: Copy,
  { scopes }: DvcPlan,
  staged: readonly Staged[],
  {
    target,
    leftOut,
    asOf,
  }: {
    readonly target: Map<string, FileEntry>
    readonly leftOut: readonly string[]
    readonly asOf: bigint
  },
): Promise<Omit<ImportedFromDvc, 'leftOut'>> {
  // What is left out stays as it was committed.
  const out = new Set(leftOut)
  const covers = (path: string) =>
    !out.has(path) && scopes.some(scope => scope === '' || path === scope || path.startsWith(`${scope}/`))
  const versions = [readHead(copy.root).manifest, killedCheckout(copy.root)]
  const before = await Promise.all(versions.map(each => filesAt(copy, each)))
  const from = before.map(files => new Map([...files].filter(([path]) => covers(path))))
  const plan = await planCheckout(copy, target, from, asOf)
  const problems = [...plan.obstacles, ...plan.conflicts]
  if (problems.length > 0) {
    const remedy = 'Commit what is to stay, or move it away, and import again.'
    throw conflict('Nothing was imported.', problems, remedy)
  }
  copy.nodes.flush()
  copy.kept.flush()
  const index = readIndex(stateFile(copy.root, 'index.json'))
  const tree = new TreeChanges(copy.root)
  const sources = new Map(staged.map(each => [each.dvc.path, each]))
  const writes = async function* (): AsyncGenerator<Written> {
    for (const entry of plan.writes) {
      await Promise.resolve()
      yield { entry, stat: placed(copy, entry, sources.get(entry.path)!, tree) }
    }
  }
  await applyPlan(copy, plan, tree, writes(), null)
  const changed = [...target.values()].filter(entry => {
    const was = index.get(entry.path)
    return was !== undefined && !isSameFile(was, entry)
  })
  const added = [...target.keys()].filter(path => !index.has(path)).length
  return {
    added,
    changed: changed.length,
    removed: plan.removals.length,
    unchanged: target.size - added - changed.length,
    bytes: [...target.values()].reduce((sum, { bytes }) => sum + bytes, 0),
  }
}

function placed(copy: Copy, { path, bytes }: FileEntry, staged: Staged, tree: TreeChanges): FileStat {
  if (!staged.isInPlace) tree.place(staged.file, path)
  const stat = look(copy.root, path)
  if (stat?.size === bytes && !staged.isInPlace) return stat
  throw new MlforgeError('file_changed', `"${path}" has changed while it was imported. Try again.`)
}

function damaged(code: ErrorCode, what: string, problems: readonly Problem[], remedy: string): MlforgeError {
  return new MlforgeError(code, `${what} Nothing was imported. ${remedy}`, { problems })
}
