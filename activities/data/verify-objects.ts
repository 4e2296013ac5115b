import { encodeCommit } from '../../domain/data/commit.js'
import { sha256Hex } from '../../stores/ids.js'
import { objectUri } from '../../stores/objects/object-uri.js'
import { isDamage } from '../../stores/objects/verified.js'
import type { DatasetVersion } from '../../stores/postgres/entities/dataset.js'
import type { Selected } from '../../stores/postgres/verify-store.js'
import type { Ports } from '../ports.js'
import { objectFromPacks } from './table-bytes.js'
import { remakeTable } from './remake-table.js'
import { commitOf } from './commit-of.js'
import type { SeenObjects } from './seen-objects.js'

export type ObjectPorts = Pick<
  Ports,
  'verify' | 'datasets' | 'refs' | 'ends' | 'definitions' | 'objects' | 'packs' | 'scratch'
>

const BATCH = 100

/**
 * Reads commits and tables of versions. A commit that is damaged is written anew from its row, the bytes that a table
 * was made from out of packs, and the table out of these.
 */
export async function verifyVersions(
  ports: ObjectPorts,
  selected: Selected,
  seen: SeenObjects,
  signal: AbortSignal,
): Promise<void> {
  for (let after = seen.begin('versions'); ;) {
    const versions = await ports.verify.versions(selected, after, BATCH)
    if (versions.length === 0) return
    after = versions.at(-1)!.id
    for (const version of versions) {
      signal.throwIfAborted()
      await verifyCommit(ports, selected.project, version, seen)
      await verifyTable(ports, selected.project, version, seen, signal)
      seen.at(version.id)
    }
  }
}

async function verifyTable(
  ports: ObjectPorts,
  project: string,
  version: DatasetVersion,
  seen: SeenObjects,
  signal: AbortSignal,
): Promise<void> {
  // The table is made anew of the raw bytes, so these come first.
  for (const [name, what] of [
    ['raw bytes', 'raw'],
    ['table', 'parquet'],
    ['quarantine', 'quarantine'],
  ] as const) {
    const content = version[what]
    if (content === null) continue
    seen.count()
    if (await isWhole(ports, content.uri)) continue
    const damage = { what: `${name} of ${nameOf(version)}`, uri: content.uri, missing: false }
    await seen.heal(damage, async () => {
      const healed =
        what === 'raw'
          ? await objectFromPacks(ports, project, version, signal)
          : await remakeTable(ports, project, version, what, signal)
      return (await isErased(ports, version, healed)) ? null : healed
    })
  }
}

export async function verifyCommit(
  ports: ObjectPorts,
  project: string,
  version: DatasetVersion,
  seen: SeenObjects,
): Promise<void> {
  if (version.commit === null) return
  seen.count()
  const uri = objectUri(project, version.commit, 'commits')
  if (await isWhole(ports, uri)) return
  const parents = await ports.datasets.commits(version.datasetId, version.parentVersions)
  await seen.heal({ what: `commit of ${nameOf(version)}`, uri, missing: false }, () =>
    ports.ends.whileKept(version.id, async (kept, signal) => {
      const commit = encodeCommit(commitOf(kept, kept.dataset.name, parents as string[]))
      if (sha256Hex(commit) !== kept.commit) return false
      await ports.objects.write(project, commit, { kind: 'commits', signal })
      return true
    }),
  )
}

/** True of what is gone since its version was purged while it was looked at: nothing is wrong with it. */
async function isErased(
  { ends }: Pick<ObjectPorts, 'ends'>,
  { id }: DatasetVersion,
  healed: boolean | null,
): Promise<boolean> {
  if (healed !== false) return healed === null
  return (await ends.whileKept(id, () => Promise.resolve(true))) === null
}

/** Whether an object is there and is what its name says. */
export async function isWhole({ objects }: Pick<ObjectPorts, 'objects'>, uri: string): Promise<boolean> {
  try {
    for await (const part of await objects.open(uri)) void part
    return true
  } catch (error) {
    if (isDamage(error)) return false
    throw error
  }
}

export function nameOf({ dataset, version }: DatasetVersion): string {
  return `version ${version} of dataset "${dataset.name}"`
}
