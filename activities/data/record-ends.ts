import { encodeEnd } from '../../domain/data/commit.js'
import { sha256Hex } from '../../stores/ids.js'
import { objectUri } from '../../stores/objects/object-uri.js'
import type { DatasetVersion } from '../../stores/postgres/entities/dataset.js'
import type { Ports } from '../ports.js'
import { commitOf } from './commit-of.js'

type EndPorts = Pick<Ports, 'datasets' | 'objects' | 'ends'>

/**
 * Writes to the object store which versions were retired; of those that were purged the commit, the table and what
 * says something of its rows go. Killed in between, it is done again.
 * @returns how many; those that wait for a backup, or for whoever writes something of them, are left for the next time
 */
export async function recordEnds(ports: EndPorts, project: string, limit: number): Promise<number> {
  let recorded = 0
  for (const version of await ports.ends.unrecorded(project, limit)) {
    if (await recordEnd(ports, project, version)) recorded++
  }
  return recorded
}

async function recordEnd(
  { datasets, objects, ends }: EndPorts,
  project: string,
  version: DatasetVersion,
): Promise<boolean> {
  const { id, commit, purge } = version
  const record = await endRecordOf(datasets, version)
  const write = (signal?: AbortSignal) =>
    objects.write(project, record, { kind: 'refs', ...(signal && { signal }) })
  if (purge === null) {
    // It says the message: of a version that is purged meanwhile it is not written.
    if ((await ends.whileKept(id, (_, lost) => write(lost))) === null) return false
  } else {
    await write()
    if (!(await ends.hasNoWriters(id))) return false
    // Retired before, it has a record that says its message: as long as the row does, it says which one.
    const before = await endRecordOf(datasets, { ...version, purge: null })
    const retired = purge.retired ?? objectUri(project, sha256Hex(before), 'refs')
    await objects.remove(retired)
    if (!(await ends.erase(project, id, objects, retired))) return false
    await objects.remove(objectUri(project, commit!, 'commits'))
  }
  await ends.recorded(version)
  return true
}

/** That a version was retired or purged, as the object store has it. */
export async function endRecordOf(
  datasets: Pick<EndPorts['datasets'], 'commits'>,
  version: DatasetVersion,
): Promise<Uint8Array> {
  const { purge, root, commit, retiredAt } = version
  const parents = await datasets.commits(version.datasetId, version.parentVersions)
  const last = commitOf({ ...version, parquet: null }, version.dataset.name, parents as string[])
  return encodeEnd({
    commit: commit!,
    root,
    at: retiredAt!.toISOString(),
    purge: purge && { by: purge.by, reason: purge.reason },
    last: purge === null ? last : { ...last, message: null },
  })
}
