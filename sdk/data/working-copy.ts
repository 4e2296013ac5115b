import { mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { buildManifest } from '../../domain/data/build.js'
import type { FileEntry } from '../../domain/data/nodes.js'
import { MAIN, refNameProblem } from '../../domain/data/selector.js'
import { changesOf, type FileChange, type LoadNode } from '../../domain/data/walk.js'
import { MlforgeError } from '../../domain/errors.js'
import type { Pack, PackOfFiles, Piece } from '../../packing/messages.js'
import { Packing, type ScanOptions } from '../../packing/packing.js'
import { type Added, addFiles } from './add.js'
import { type CheckedOut, type CheckoutOptions, type CheckoutTarget, checkoutVersion } from './checkout.js'
import {
  type Copy,
  copyAt,
  type Head,
  isWorkingCopy,
  killedCheckout,
  readHead,
  stateFile,
  writeHead,
} from './copy.js'
import { type CommitOptions, commitIndex, type Draft, draftsOf, markPushed } from './drafts.js'
import { committedChunks } from './committed-chunks.js'
import type { ImportedFromDvc, ImportOptions } from './dvc/import.js'
import type { ChunkSource } from './fetch-nodes.js'
import { readIndex } from './index-file.js'
import { nodeHash } from './local-nodes.js'
import { type FindMissing, piecesOf, type Restored } from './pieces.js'
import { type Rebased, rebaseDrafts } from './rebase.js'
import { said } from './said.js'
import { readState, writeState } from './state.js'
import { type Status, statusOf } from './status.js'

/**
 * A directory with the files of a dataset, and what is known of them in its `.mlforge-data`. Nothing here uses the
 * network. Whatever changes something may be killed at any moment and done again; one process at a time may
 * (wrong_state for another one).
 */
export class WorkingCopy {
  private constructor(
    private readonly copy: Copy,
    /** The dataset that it is of. */
    readonly dataset: string,
  ) {}

  /**
   * Makes a directory the working copy of a dataset. Files that are there stay as they are.
   * @param branch that its versions are for, where it is none yet
   * @throws MlforgeError already_exists where it is one of another dataset, invalid_request for a name that no branch has,
   *   forbidden
   */
  static init(directory: string, dataset: string, branch = MAIN): WorkingCopy {
    assertBranch(branch)
    const root = resolve(directory)
    const config = readConfig(root)
    if (config && config.dataset !== dataset) {
      throw new MlforgeError(
        'already_exists',
        `"${root}" is a working directory of "${config.dataset}" already.`,
      )
    }
    if (!config) {
      try {
        mkdirSync(stateFile(root, '.'), { recursive: true })
      } catch (error) {
        throw said(error)
      }
      writeHead(root, { branch, version: null, draft: null, manifest: null })
      // Last, as this makes it one.
      writeState(stateFile(root, 'config.json'), { dataset })
    }
    return new WorkingCopy(copyAt(root, new Packing()), dataset)
  }

  /**
   * Finds the working copy that a directory is in, as git does.
   * @throws MlforgeError not_found
   */
  static open(directory: string): WorkingCopy {
    for (let root = resolve(directory); ; root = dirname(root)) {
      if (isWorkingCopy(root)) return new WorkingCopy(copyAt(root, new Packing()), readConfig(root)!.dataset)
      if (dirname(root) !== root) continue
      throw new MlforgeError(
        'not_found',
        `Neither "${resolve(directory)}" nor a directory above it belongs to a dataset. Initialise it first.`,
      )
    }
  }

  get root(): string {
    return this.copy.root
  }

  /** What is checked out, and committed on top of it. */
  get head(): Head {
    return readHead(this.root)
  }

  /** A checkout was killed: some of the files are of its version. */
  get isInterrupted(): boolean {
    return killedCheckout(this.root) !== null
  }

  /**
   * Takes files into the index as they are now, and those out of it that are gone. Files that have not changed are
   * not read.
   * @param paths files and directories, relative to the root
   * @throws MlforgeError invalid_request with all problems of paths; of files as Packing.scan
   */
  add(paths: readonly string[] | 'all', options: ScanOptions = {}): Promise<Added> {
    return addFiles(this.copy, paths, options)
  }

  /** Compares what is committed, what was added and the files, as git does. */
  status(): Promise<Status> {
    return statusOf(this.copy)
  }

  /** What a commit would record, by path. */
  async *diff(): AsyncGenerator<FileChange> {
    const nodes = new Map<string, Uint8Array>()
    const { nodes: kept } = this.copy
    const keep = (node: Uint8Array): string => {
      const sha256 = nodeHash(node)
      nodes.set(sha256, node)
      return sha256
    }
    const load: LoadNode = async sha256 => nodes.get(sha256) ?? (await kept.load(sha256))
    const index = buildManifest([...readIndex(stateFile(this.root, 'index.json')).values()], keep)
    yield* changesOf(load, this.head.manifest ?? buildManifest([], keep), index)
  }

  /** Records the index as a draft on top of the head. @throws MlforgeError wrong_state where nothing has changed, or a checkout was killed */
  commit(options: CommitOptions): Promise<Draft> {
    return commitIndex(this.copy, options)
  }

  /** The commits that are not pushed yet, the first one first. */
  drafts(): Draft[] {
    return draftsOf(this.copy)
  }

  /**
   * What a push of a draft has to send, for Packing.packs. Some pieces may come more than once.
   * @param findMissing asked for some thousand hashes at once
   * @throws MlforgeError file_changed, at the end, with all files that have other content by now
   */
  pieces(
    draft: Pick<Draft, 'id' | 'manifest'>,
    findMissing: FindMissing,
    restored?: Restored,
  ): AsyncGenerator<Piece> {
    return piecesOf(this.copy, draft, findMissing, restored)
  }

  /** The same in packs, the last of which comes before what is thrown. */
  async *packs(
    draft: Pick<Draft, 'id' | 'manifest'>,
    findMissing: FindMissing,
    { restored, ...options }: { readonly signal?: AbortSignal; readonly restored?: Restored } = {},
  ): AsyncGenerator<PackOfFiles> {
    const pieces = this.pieces(draft, findMissing, restored)
    let gone: MlforgeError | undefined
    const here = async function* () {
      try {
        yield* pieces
      } catch (error) {
        if (!(error instanceof MlforgeError) || error.code !== 'file_changed') throw error
        gone = error
      }
    }
    yield* this.copy.packing.packs(here(), options)
    if (gone !== undefined) throw gone
  }

  /** Takes the memory of a pack back that was sent. */
  reuse(pack: Pick<Pack, 'content'>): void {
    this.copy.packing.reuse(pack)
  }

  /** What is committed next is for this branch, which its first version makes. @throws MlforgeError invalid_request */
  switchTo(branch: string): void {
    assertBranch(branch)
    writeHead(this.root, { ...this.head, branch })
  }

  /** Records that the first draft is a version now. Said twice it is the same. */
  pushed(draftId: string, version: number): Promise<void> {
    return markPushed(this.copy, draftId, version)
  }

  /**
   * Makes the files those of a version. Files that are neither of it nor of the one before stay.
   * @throws MlforgeError wrong_state with all files whose changes would be lost, and what stands in the way;
   *   object_corrupt, object_missing of what the source gives
   */
  checkout(target: CheckoutTarget, source: ChunkSource, options: CheckoutOptions = {}): Promise<CheckedOut> {
    return checkoutVersion(this.copy, target, source, options)
  }

  /**
   * Puts what was committed here on top of a version that somebody else has made.
   * @param base root of the version that it was made from; null where there was none
   * @throws MlforgeError wrong_state with all files that both sides have changed
   */
  rebase(
    onto: CheckoutTarget,
    base: string | null,
    source: ChunkSource,
    options: Pick<CheckoutOptions, 'signal' | 'onProgress'> = {},
  ): Promise<Rebased> {
    return rebaseDrafts(this.copy, onto, base, source, options)
  }

  /**
   * Makes files those that a repository of DVC tracks as it is checked out now, and adds them.
   * @param repository a directory in it
   * @throws MlforgeError as importDvc; not_found where it is no repository
   */
  async importDvc(repository: string, options: ImportOptions = {}): Promise<ImportedFromDvc> {
    const { importDvc } = await import('./dvc/import.js')
    return importDvc(this.copy, repository, options)
  }

  /**
   * The nodes and chunks of what is committed here, out of the files.
   * @throws MlforgeError wrong_state with all files that have changed since
   */
  committed(): Promise<ChunkSource> {
    return committedChunks(this.copy)
  }

  /** The files that were added, in order. */
  files(): FileEntry[] {
    return [...readIndex(stateFile(this.root, 'index.json')).values()]
  }

  /** Ends the threads that read files. */
  close(): Promise<void> {
    return this.copy.packing.close()
  }
}

function assertBranch(name: string): void {
  const problem = refNameProblem(name)
  if (problem !== null) {
    throw new MlforgeError('invalid_request', `"${name}" cannot name a branch: ${problem}`)
  }
}

function readConfig(root: string): { readonly dataset: string } | null {
  return readState<{ readonly dataset: string }>(stateFile(root, 'config.json'))
}
