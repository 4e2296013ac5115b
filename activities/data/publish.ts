import type { PublishReport } from '../../contracts/temporal/data.js'
import { encodeCommit, encodeRef } from '../../domain/data/commit.js'
import { hasTable } from '../../stores/postgres/dataset-store.js'
import type { DatasetVersion } from '../../stores/postgres/entities/dataset.js'
import { beatWhile } from '../heartbeats.js'
import type { Ports } from '../ports.js'
import { commitOf } from './commit-of.js'
import { recordDefinitions } from './record-definitions.js'
import { recordEnds } from './record-ends.js'
import { storeTableBytes } from './table-bytes.js'

type PublishPorts = Pick<
  Ports,
  | 'datasets'
  | 'publishing'
  | 'refs'
  | 'ends'
  | 'definitions'
  | 'objects'
  | 'catalogue'
  | 'holds'
  | 'packing'
  | 'scratch'
> & { readonly logger: { warn(details: object, message: string): void } }

/** Versions that are read at once; changes of branches, ends and definitions that one activity writes. */
const AT_ONCE = 100

/** What the catalogue knows is written to the object store too, from which it can be restored. */
export function publishActivities(ports: PublishPorts) {
  const { datasets, publishing, refs, ends, objects, logger } = ports

  /** Bytes that a table was made from, as the one file of its version. */
  async function adopt(project: string, version: DatasetVersion, signal: AbortSignal): Promise<void> {
    if (!hasTable(version)) return
    await publishing.adopt(project, version.id, await storeTableBytes(ports, project, version, signal))
  }

  async function publish(project: string, version: DatasetVersion, signal: AbortSignal): Promise<boolean> {
    const parents = await datasets.commits(version.datasetId, version.parentVersions)
    // The one before was not written: this one comes after it.
    if (parents.includes(null)) return false
    if (version.manifest === null) await adopt(project, version, signal)
    const isDone = await ends.whileKept(version.id, async (whole, lost, transaction) => {
      if (whole.commit !== null) return false
      const commit = encodeCommit(commitOf(whole, whole.dataset.name, parents as string[]))
      const stop = AbortSignal.any([signal, lost])
      const { sha256 } = await objects.write(project, commit, { kind: 'commits', signal: stop })
      await publishing.published(transaction, whole.id, sha256)
      return true
    })
    // Or somebody else has published it meanwhile, and it may have been purged since.
    return isDone === true
  }

  /** All of them are tried: one that cannot be written keeps none of another dataset from it. */
  async function publishAll(project: string, signal: AbortSignal): Promise<number> {
    let published = 0
    let last: DatasetVersion | null = null
    for (;;) {
      const versions: DatasetVersion[] = await publishing.unpublished(project, last, AT_ONCE)
      for (const version of versions) {
        signal.throwIfAborted()
        try {
          if (await publish(project, version, signal)) published++
        } catch (error) {
          signal.throwIfAborted()
          const { name } = version.dataset
          const reason = error instanceof Error ? error.message : String(error)
          logger.warn(
            { dataset: name, version: version.version, reason },
            'version not published; tried again',
          )
        }
      }
      if (versions.length < AT_ONCE) return published
      last = versions.at(-1)!
    }
  }

  return {
    /** Files of new tables are put into packs, commits and changes of branches are written. Again, it does nothing. */
    async publishVersions({ project }: { project: string }): Promise<PublishReport> {
      return beatWhile('publishing versions', async signal => {
        const published = await publishAll(project, signal)
        const changes = await refs.unrecorded(project, AT_ONCE)
        for (const ref of changes) {
          const { dataset, kind, name, sequence, version, principal, updatedAt } = ref
          const at = updatedAt.toISOString()
          const record = encodeRef({ dataset, kind, name, sequence, version, principal, at })
          await objects.write(project, record, { kind: 'refs', signal })
          await refs.recorded(ref)
        }
        const ended = await recordEnds(ports, project, AT_ONCE)
        const defined = await recordDefinitions(ports, project, AT_ONCE, signal)
        return { published, more: defined >= AT_ONCE || [changes.length, ended].includes(AT_ONCE) }
      })
    },
  }
}

export type PublishActivities = ReturnType<typeof publishActivities>
