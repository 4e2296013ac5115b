import type { PublishReport } from '../../contracts/temporal/data.js'
import type { Json } from '../../domain/canonical-json.js'
import { type Commit, encodeCommit, encodeRef } from '../../domain/data/commit.js'
import { hasTable } from '../../stores/postgres/dataset-store.js'
import type { DatasetVersion } from '../../stores/postgres/entities/dataset.js'
import { beatWhile } from '../heartbeats.js'
import type { Ports } from '../ports.js'
import { withScratch } from '../scratch.js'
import { storeFiles } from './store-files.js'

type PublishPorts = Pick<Ports, 'datasets' | 'refs' | 'objects' | 'catalogue' | 'packing' | 'scratch'> & {
  readonly logger: { warn(details: object, message: string): void }
}

/** Versions and changes of branches that one activity writes. */
const AT_ONCE = 100

/** What the catalogue knows is written to the object store too, from which it can be restored. */
export function publishActivities(ports: PublishPorts) {
  const { datasets, refs, objects, logger } = ports

  /** Bytes that a table was made from, as the one file of its version. */
  async function adopt(project: string, version: DatasetVersion, signal: AbortSignal): Promise<void> {
    if (!hasTable(version)) return
    const isJoined = (version.conversion as { joined?: unknown }).joined !== undefined
    const path = isJoined ? 'predictions.parquet' : 'raw.csv'
    await withScratch(ports.scratch, async directory => {
      const file = await objects.toFile(version.raw.uri, directory)
      await datasets.adopt(version.id, await storeFiles(ports, project, [{ path, file }], signal))
    })
  }

  async function publish(project: string, version: DatasetVersion, signal: AbortSignal): Promise<boolean> {
    const parents = await datasets.commits(version.datasetId, version.parentVersions)
    // The one before was not written: this one comes after it.
    if (parents.includes(null)) return false
    if (version.manifest === null) await adopt(project, version, signal)
    const whole = await datasets.version(project, version.dataset.name, version.version)
    const commit = encodeCommit(commitOf(whole, version.dataset.name, parents as string[]))
    const { sha256 } = await objects.write(project, commit, { kind: 'commits', signal })
    await datasets.published(version.id, sha256)
    return true
  }

  return {
    /** Files of new tables are put into packs, commits and changes of branches are written. Again, it does nothing. */
    async publishVersions({ project }: { project: string }): Promise<PublishReport> {
      return beatWhile('publishing versions', async signal => {
        const versions = await datasets.unpublished(project, AT_ONCE)
        let published = 0
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
        const changes = await refs.unrecorded(project, AT_ONCE)
        for (const ref of changes) {
          const { dataset, kind, name, sequence, version, principal, updatedAt } = ref
          const at = updatedAt.toISOString()
          const record = encodeRef({ dataset, kind, name, sequence, version, principal, at })
          await objects.write(project, record, { kind: 'refs', signal })
          await refs.recorded(ref)
        }
        const isFull = versions.length === AT_ONCE || changes.length === AT_ONCE
        return { published, more: isFull && published + changes.length > 0 }
      })
    },
  }
}

export type PublishActivities = ReturnType<typeof publishActivities>

function commitOf(row: DatasetVersion, dataset: string, parents: readonly string[]): Commit {
  const { version, branch, manifest, files, bytes, message, author, code, runId, effectKey } = row
  return {
    dataset,
    version,
    branch,
    parents,
    madeFrom: row.parents,
    manifest: manifest!,
    files: files!,
    bytes: Number(bytes),
    author: author ?? '',
    message,
    at: row.createdAt.toISOString(),
    code,
    runId,
    effectKey,
    table: hasTable(row)
      ? {
          root: row.root,
          parquet: { sha256: row.parquet.sha256, bytes: row.parquet.bytes },
          rows: Number(row.rows),
          schema: row.schema as Json,
          conversion: row.conversion as Json,
          proposal: row.proposal as Json,
          expectations: row.expectations as Json,
          profile: row.profile as Json,
        }
      : null,
  }
}
