import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { listOf } from '../../domain/data/nodes.js'
import { pathProblems } from '../../domain/data/paths.js'
import { MlforgeError } from '../../domain/errors.js'
import { applyPlan, conflict, type Written } from './checkout-apply.js'
import { planCheckout } from './checkout-plan.js'
import { writeFiles } from './checkout-write.js'
import { type Copy, killedCheckout, locked, readHead, refuse, stateFile, writeHead } from './copy.js'
import { sizeOf } from './drafts.js'
import { type ChunkSource, fetchLists, fetchManifest } from './fetch-nodes.js'
import { LocalChunks } from './local-chunks.js'
import { writeState } from './state.js'
import { filesAt } from './status.js'
import { TreeChanges } from './tree-changes.js'

/** A version of the dataset, by the root of its manifest. */
export interface CheckoutTarget {
  readonly branch: string
  readonly version: number
  readonly manifest: string
  /** The commit on top of the version that has these files; of the version itself where left out. */
  readonly draft?: string
}

export interface CheckoutOptions {
  /** Overwrites changes that are not committed, and leaves commits that are not pushed. */
  readonly force?: boolean
  /** `replace`: commits that are not pushed are in what is checked out. */
  readonly drafts?: 'replace'
  readonly signal?: AbortSignal
  /** Gets how much of the version is there so far. */
  readonly onProgress?: (done: { readonly files: number; readonly bytes: number }) => void
}

/** Numbers of files. */
export interface CheckedOut {
  readonly written: number
  readonly removed: number
  readonly unchanged: number
  readonly bytesWritten: number
}

const REMEDY = 'Commit what is to stay, or overwrite it by force.'

export function checkoutVersion(
  copy: Copy,
  target: CheckoutTarget,
  source: ChunkSource,
  { force = false, drafts, signal, onProgress }: CheckoutOptions,
): Promise<CheckedOut> {
  return locked(copy, async asOf => {
    const head = readHead(copy.root)
    if (head.draft !== null && !force && drafts === undefined) {
      throw new MlforgeError(
        'wrong_state',
        'There are commits that are not pushed. Push them first, or leave them by force.',
      )
    }
    const files = await fetchManifest(copy, source, target.manifest)
    refuse(`Version ${target.version} cannot be checked out.`, pathProblems(files.map(({ path }) => path)))
    const journal = stateFile(copy.root, 'checkout.json')
    const plan = await planCheckout(
      copy,
      new Map(files.map(file => [file.path, file])),
      [await filesAt(copy, head.manifest), await filesAt(copy, killedCheckout(copy.root))],
      asOf,
    )
    const problems = [...plan.obstacles, ...(force ? [] : plan.conflicts)]
    if (problems.length > 0) throw conflict('Nothing was checked out.', problems, REMEDY)
    await fetchLists(copy, source, plan.writes)
    copy.nodes.flush()
    writeState(journal, { manifest: target.manifest })

    const tree = new TreeChanges(copy.root)
    const lists = new Map<string, string>()
    for (const { path, content } of [...plan.kept, ...plan.replaced]) {
      const list = listOf(content)
      if (list !== null) lists.set(list, join(copy.root, path))
    }
    const local = { chunks: await LocalChunks.of(copy, plan.replaced), lists }
    const done = { ...sizeOf(plan.kept) }
    let bytesWritten = 0
    const writes = async function* (): AsyncGenerator<Written> {
      for await (const each of writeFiles(copy, plan.writes, source, local, tree)) {
        signal?.throwIfAborted()
        yield each
        bytesWritten += each.entry.bytes
        done.files++
        done.bytes += each.entry.bytes
        onProgress?.({ ...done })
      }
    }
    const written = await applyPlan(copy, plan, tree, writes(), target.manifest)
    const { branch, version, manifest, draft = null } = target
    writeHead(copy.root, { branch, version, manifest, draft })
    rmSync(journal, { force: true })
    const removed = plan.removals.length
    return { written: written.length, removed, unchanged: plan.kept.length, bytesWritten }
  })
}
