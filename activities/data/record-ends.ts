import { encodeEnd } from '../../domain/data/commit.js'
import { objectUri } from '../../stores/objects/object-uri.js'
import type { DatasetVersion } from '../../stores/postgres/entities/dataset.js'
import type { Ports } from '../ports.js'
import { commitOf } from './commit-of.js'

type EndPorts = Pick<Ports, 'datasets' | 'objects' | 'ends'>

/**
 * Writes to the object store which versions were retired; of those that were purged the commit and the table go.
 * Killed in between, it is done again.
 * @returns how many
 */
export async function recordEnds(ports: EndPorts, project: string, limit: number): Promise<number> {
  const versions = await ports.ends.unrecorded(project, limit)
  for (const version of versions) await recordEnd(ports, project, version)
  return versions.length
}

async function recordEnd(
  { datasets, objects, ends }: EndPorts,
  project: string,
  version: DatasetVersion,
): Promise<void> {
  const { purge, root, commit, retiredAt } = version
  const parents = await datasets.commits(version.datasetId, version.parentVersions)
  const last = commitOf({ ...version, parquet: null }, version.dataset.name, parents as string[])
  const record = encodeEnd({
    commit: commit!,
    root,
    at: retiredAt!.toISOString(),
    purge: purge && { by: purge.by, reason: purge.reason },
    last: purge === null ? last : { ...last, message: null },
  })
  await objects.write(project, record, { kind: 'refs' })
  if (purge !== null) {
    await ends.erase(project, version.id, objects)
    await objects.remove(objectUri(project, commit!, 'commits'))
  }
  await ends.recorded(version.id)
}
