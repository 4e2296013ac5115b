import { randomUUID } from 'node:crypto'
import type { DatasetVersion } from '../../contracts/rest/datasets.js'
import type { Operation } from '../../contracts/rest/operations.js'
import type { DataPull, DataPush, MissingChunks, StartPush } from '../../contracts/rest/data.js'
import { MlforgeError } from '../../domain/errors.js'
import type { PackOfFiles } from '../../packing/messages.js'
import { failedRun } from '../failed-run.js'
import { Refused, type Rest } from '../rest.js'
import type { CheckedOut } from './checkout.js'
import type { Draft } from './drafts.js'
import { assertNoOther, fileTo } from './file-to.js'
import { PackUploads } from './pack-uploads.js'
import { datasetPath, versionPath } from './paths.js'
import type { Restored } from './pieces.js'
import type { Rebased } from './rebase.js'
import { remoteChunks } from './remote-chunks.js'
import type { WorkingCopy } from './working-copy.js'

/** How far a push or a pull is. */
export type TransferProgress = (done: {
  readonly bytes: number
  readonly total: number
  /** Whole ones. */
  readonly files: number
  readonly totalFiles: number
}) => void

export interface TransferOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: TransferProgress
}

/** A commit that has become a version. */
export interface Pushed {
  readonly version: number
  readonly branch: string
  readonly manifest: string
  /** False where the branch had these files already. */
  readonly created: boolean
  /** Bytes that had to be sent. */
  readonly sent: number
}

export interface PullOptions extends TransferOptions {
  /** Overwrites changes that are not committed. */
  readonly force?: boolean
  /** Root that the version has to have: wrong_state otherwise. */
  readonly manifest?: string
}

export interface Pulled extends CheckedOut {
  readonly version: number
  readonly manifest: string
}

/** Packs that are on their way at the same time. */
const IN_FLIGHT = 2
/** Times a push that did not become a version is begun again. */
const TRIES = 20
const POLL_MS = 50
/** Time between two reports of a transfer. */
const REPORT_MS = 5_000

/** Brings working copies and a server together. */
export class DataClient {
  private readonly uploads: PackUploads

  constructor(private readonly rest: Rest) {
    this.uploads = new PackUploads(rest)
  }

  /** A version of a dataset, by number, `latest`, branch, tag or instant in braces. @throws Refused not_found */
  version(dataset: string, selector: string): Promise<DatasetVersion> {
    return this.rest.get<DatasetVersion>(versionPath(dataset, selector))
  }

  /** The same, or null where there is none. */
  async find(dataset: string, selector: string): Promise<DatasetVersion | null> {
    try {
      return await this.version(dataset, selector)
    } catch (error) {
      if (error instanceof Refused && error.problem.status === 404) return null
      throw error
    }
  }

  /**
   * Writes a file of a version to one here, which is there whole or not at all.
   * @returns its bytes
   * @throws MlforgeError invalid_request where no file can be; a device or a pipe is never put out of its place;
   *   object_corrupt, object_missing where it cannot be read whole
   */
  async fileTo(dataset: string, selector: string, path: string, destination: string): Promise<number> {
    await assertNoOther(destination)
    return fileTo(this.rest, dataset, await this.version(dataset, selector), path, destination)
  }

  /**
   * Makes the commits of a working copy versions of its branch, one after the other. Killed, it is done again: what
   * was sent is not sent twice, and what became a version stays one.
   * @throws MlforgeError branch_moved where somebody else has made a version meanwhile; file_changed
   */
  async push(copy: WorkingCopy, options: TransferOptions = {}): Promise<Pushed[]> {
    const pushed: Pushed[] = []
    for (let [draft] = copy.drafts(); draft !== undefined; [draft] = copy.drafts()) {
      const done = await this.send(copy, draft.id, startOf(draft), options)
      await copy.pushed(draft.id, done.version)
      pushed.push(done)
    }
    return pushed
  }

  /**
   * Sends what the store has lost of the version that is checked out, and files here have: which a verification has
   * to have found before. The version stays what it is, and so does its branch, wherever that is by now.
   * @throws MlforgeError wrong_state where there are commits to push; file_changed for what was lost of files that are
   *   others by now, when all else was sent
   */
  async restore(copy: WorkingCopy, options: TransferOptions = {}): Promise<Pushed> {
    const { version, draft } = copy.head
    if (version === null || draft !== null) {
      throw new MlforgeError('wrong_state', 'What is committed here is no version yet. Push it first.')
    }
    const found = await this.version(copy.dataset, String(version))
    const manifest = found.manifest ?? notYet(copy.dataset, version)
    const { unstaged } = await copy.status()
    const { files, bytes } = found
    const start = { base: version, manifest, files: files!, bytes: bytes!, restore: true }
    // Each time another push: what an earlier one has sent may be what was lost.
    return this.send(copy, randomUUID(), start, options, {
      version,
      changed: new Set([...unstaged.changed, ...unstaged.removed]),
    })
  }

  /**
   * Makes the files of a working copy those of a version. Nothing is read where it has them already.
   * @param selector the branch of the working copy where left out
   */
  async pull(copy: WorkingCopy, selector: string | null, options: PullOptions = {}): Promise<Pulled> {
    const { signal, onProgress, force = false } = options
    const head = copy.head
    const { version, manifest, branch } = await this.version(copy.dataset, selector ?? head.branch)
    const root = manifest ?? notYet(copy.dataset, version)
    if (options.manifest !== undefined && options.manifest !== root) {
      throw new MlforgeError(
        'wrong_state',
        `Version ${version} of dataset "${copy.dataset}" has other files here (${root}) than it is to have (${options.manifest}). Is this another server, or was it restored? Name the version to take it as it is here.`,
      )
    }
    if (head.manifest === root && head.version === version && !force && !copy.isInterrupted) {
      return { version, manifest: root, written: 0, removed: 0, unchanged: 0, bytesWritten: 0 }
    }
    const pull = await this.rest.post<DataPull>(
      `${datasetPath(copy.dataset)}/pulls`,
      { version: String(version) },
      { idempotencyKey: randomUUID() },
    )
    const reports = new Reports(this.rest, `${datasetPath(copy.dataset)}/pulls/${pull.id}/progress`)
    const { files: totalFiles, bytes: total } = pull
    const checkout = copy.checkout(
      // A version that is the newest of its branch is that branch; any other is read to go on from there.
      { branch: selector === null ? head.branch : branch, version, manifest: root },
      remoteChunks(this.rest, copy.dataset),
      {
        force,
        ...(signal ? { signal } : {}),
        onProgress: ({ files, bytes }) => {
          reports.say({ files, bytes, done: false })
          onProgress?.({ bytes, total, files, totalFiles })
        },
      },
    )
    const done = await checkout.catch(async (error: unknown) => {
      // Nothing is to be kept for it, as for one that is away and comes back.
      const isAway = error instanceof MlforgeError && error.code === 'unavailable'
      if (!isAway) await this.rest.post(`/v1/operations/${pull.id}/cancel`).catch(() => undefined)
      throw error
    })
    const path = `${datasetPath(copy.dataset)}/pulls/${pull.id}`
    await this.orWhyItEnded(path, 'Pull', () => reports.end({ files: totalFiles, bytes: total, done: true }))
    return { ...done, version, manifest: root }
  }

  /**
   * Puts the commits of a working copy on top of the newest version of its branch, as one.
   * @throws MlforgeError wrong_state with all files that both sides have changed, each otherwise
   */
  async rebase(
    copy: WorkingCopy,
    options: Pick<TransferOptions, 'signal'> = {},
  ): Promise<Pulled & Pick<Rebased, 'draft'>> {
    const { branch } = copy.head
    const [first] = copy.drafts()
    if (first === undefined) return { ...(await this.pull(copy, null, options)), draft: null }
    const { dataset } = copy
    const { version, manifest } = await this.version(dataset, branch)
    const [parent] = first.parents
    const from = parent && 'version' in parent ? parent.version : null
    const base = from === null ? null : await this.version(dataset, String(from))
    const onto = { branch, version, manifest: manifest ?? notYet(dataset, version) }
    const done = await copy.rebase(
      onto,
      base && (base.manifest ?? notYet(dataset, base.version)),
      remoteChunks(this.rest, dataset),
      options.signal ? { signal: options.signal } : {},
    )
    return { ...done, version, manifest: onto.manifest }
  }

  /** @param id the same again is the same push, unless that has failed */
  private async send(
    copy: WorkingCopy,
    id: string,
    start: StartPush,
    options: TransferOptions,
    restored?: Restored,
  ): Promise<Pushed> {
    const push = await this.begin(copy, id, start)
    const path = `${datasetPath(copy.dataset)}/pushes/${push.id}`
    const transfer = async () => {
      try {
        return await this.transfer(copy, { ...start, id }, path, options, restored)
      } catch (error) {
        // Another process of this directory has sent it.
        if (error instanceof Refused && (await this.rest.get<DataPush>(path)).sealed) return 0
        throw error
      }
    }
    const sent = push.sealed ? 0 : await this.orWhyItEnded(path, 'Push', transfer)
    const ended = await this.rest.follow<DataPush>(path, undefined, POLL_MS)
    if (ended.status !== 'succeeded' || ended.version === null) throw failedRun(ended, 'Push')
    const { version, branch, manifest, created } = ended
    return { version, branch, manifest, created: created ?? true, sent }
  }

  /** The push that is under way, or has succeeded; else another one. */
  private async begin(copy: WorkingCopy, id: string, start: StartPush): Promise<DataPush> {
    const { branch } = copy.head
    for (let round = 0; ; round++) {
      const push = await this.rest.post<DataPush>(
        `${datasetPath(copy.dataset)}/pushes`,
        { ...start, branch },
        { idempotencyKey: `${id}-${branch}-${round}` },
      )
      const isOver = !['accepted', 'running', 'succeeded'].includes(push.status)
      const isExpired = !push.sealed && Date.parse(push.expiresAt) < Date.now()
      if (!isOver && !(isExpired && push.status !== 'succeeded')) return push
      if (round === TRIES) throw failedRun(push, 'Push')
    }
  }

  /** Where a request is refused since its run is over, says what has become of that. */
  private async orWhyItEnded<T>(path: string, what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof Refused) || error.problem.code !== 'wrong_state') throw error
      const run = await this.rest.get<Operation>(path)
      throw run.endedAt === null || run.status === 'succeeded' ? error : failedRun(run, what)
    }
  }

  private async transfer(
    copy: WorkingCopy,
    draft: Pick<Draft, 'id' | 'manifest' | 'files' | 'bytes'>,
    path: string,
    { signal, onProgress }: TransferOptions,
    restored?: Restored,
  ): Promise<number> {
    const findMissing = async (hashes: readonly string[]) => {
      const { missing } = await this.rest.post<MissingChunks>(`${path}/missing`, { chunks: hashes })
      return new Set(missing)
    }
    const reports = new Reports(this.rest, `${path}/progress`)
    let [sent, files] = [0, 0]
    const tell = () => onProgress?.({ bytes: sent, total: draft.bytes, files, totalFiles: draft.files })
    // A file is whole once the packs before it are there too.
    const inOrder: { readonly files: number; isSent: boolean }[] = []
    let failure: unknown
    let gone: MlforgeError | undefined
    const flying = new Set<Promise<void>>()
    const fly = async (pack: PackOfFiles) => {
      const { sha256, content } = pack
      const flown = { files: pack.files, isSent: false }
      inOrder.push(flown)
      try {
        await this.uploads.send(`${path}/packs`, { sha256, content }, signal)
        sent += content.length
        flown.isSent = true
        while (inOrder[0]?.isSent) files = inOrder.shift()!.files
        reports.say({ files })
        tell()
      } catch (error) {
        failure ??= error
      } finally {
        copy.reuse({ content })
      }
    }
    try {
      const how = { ...(signal && { signal }), ...(restored && { restored }) }
      for await (const pack of copy.packs(draft, findMissing, how)) {
        const flight = fly(pack).finally(() => flying.delete(flight))
        flying.add(flight)
        if (flying.size >= IN_FLIGHT) await Promise.race(flying)
        if (failure !== undefined) break
      }
    } catch (error) {
      // What is here of a version that is sent again has been sent.
      if (!restored || !(error instanceof MlforgeError) || error.code !== 'file_changed') throw error
      gone = error
    } finally {
      await Promise.all(flying)
    }
    if (failure !== undefined) throw failure
    await reports.settled()
    await this.rest.post(`${path}/seal`)
    if (gone !== undefined) throw gone
    files = draft.files
    tell()
    return sent
  }
}

function startOf({ parents, manifest, files, bytes, message, author, code }: Draft): StartPush {
  const [parent] = parents
  const base = parent && 'version' in parent ? parent.version : null
  return { base, manifest, files, bytes, message, author, ...(code ? { code } : {}) }
}

/** Says now and then how far a transfer is, for whoever looks on; what is transferred is kept for it meanwhile. */
class Reports {
  private saidAt = Date.now()
  private saying: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly rest: Rest,
    private readonly path: string,
  ) {}

  say(progress: object): void {
    if (Date.now() - this.saidAt < REPORT_MS) return
    this.saidAt = Date.now()
    this.saying = this.rest.post(this.path, progress).catch(() => undefined)
  }

  /** None is on its way any more, which could come after the last one. */
  settled(): Promise<unknown> {
    return this.saying
  }

  async end(progress: object): Promise<void> {
    await this.settled()
    await this.rest.post(this.path, progress)
  }
}

function notYet(dataset: string, version: number): never {
  throw new MlforgeError(
    'wrong_state',
    `The files of version ${version} of dataset "${dataset}" are being put into packs. Try again in a minute.`,
  )
}
