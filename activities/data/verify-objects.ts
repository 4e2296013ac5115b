import type { DamagedObject } from '../../contracts/temporal/data-verification.js'
import { encodeCommit, encodeRef } from '../../domain/data/commit.js'
import { sha256Hex } from '../../stores/ids.js'
import { objectUri } from '../../stores/objects/object-uri.js'
import { isDamage } from '../../stores/objects/verified.js'
import { allObjects } from '../../stores/objects/whole.js'
import type { DatasetVersion } from '../../stores/postgres/entities/dataset.js'
import type { Selected } from '../../stores/postgres/verify-store.js'
import type { Ports } from '../ports.js'
import { objectFromPacks } from './table-bytes.js'
import { remakeTable } from './remake-table.js'
import { commitOf } from './commit-of.js'
import { endRecordOf } from './record-ends.js'

type ObjectPorts = Pick<Ports, 'verify' | 'datasets' | 'refs' | 'ends' | 'objects' | 'packs' | 'scratch'>

const BATCH = 100

export interface Seen {
  objects: number
  readonly damaged: DamagedObject[]
}

/**
 * Reads commits and tables of versions. A commit that is damaged is written anew from its row, the bytes that a table
 * was made from out of packs, and the table out of these.
 */
export async function verifyVersions(
  ports: ObjectPorts,
  selected: Selected,
  seen: Seen,
  signal: AbortSignal,
): Promise<void> {
  for (let after: string | null = null; ;) {
    const versions = await ports.verify.versions(selected, after, BATCH)
    if (versions.length === 0) return
    after = versions.at(-1)!.id
    for (const version of versions) {
      signal.throwIfAborted()
      await verifyCommit(ports, selected.project, version, seen)
      // The table is made anew of the raw bytes, so these come first.
      for (const [name, what] of [
        ['raw bytes', 'raw'],
        ['table', 'parquet'],
        ['quarantine', 'quarantine'],
      ] as const) {
        const content = version[what]
        if (content === null) continue
        seen.objects++
        if (await isWhole(ports, content.uri)) continue
        const healed =
          what === 'raw'
            ? await objectFromPacks(ports, selected.project, version, signal)
            : await remakeTable(ports, selected.project, version, what, signal)
        if (await isErased(ports, version, healed)) continue
        seen.damaged.push({
          what: `${name} of ${nameOf(version)}`,
          uri: content.uri,
          healed: healed === true,
        })
      }
    }
  }
}

async function verifyCommit(
  ports: ObjectPorts,
  project: string,
  version: DatasetVersion,
  seen: Seen,
): Promise<void> {
  if (version.commit === null) return
  seen.objects++
  const uri = objectUri(project, version.commit, 'commits')
  if (await isWhole(ports, uri)) return
  const healed = await ports.ends.whileKept(version.id, async (kept, signal) => {
    const parents = await ports.datasets.commits(kept.datasetId, kept.parentVersions)
    const commit = encodeCommit(commitOf(kept, kept.dataset.name, parents as string[]))
    if (sha256Hex(commit) !== kept.commit) return false
    await ports.objects.write(project, commit, { kind: 'commits', signal })
    return true
  })
  if (healed !== null) seen.damaged.push({ what: `commit of ${nameOf(version)}`, uri, healed })
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

/**
 * Reads all records of branches, tags and ends of versions. A damaged one that says how things stand is written anew;
 * one that is out of date is removed, since the newer one holds.
 */
export async function verifyRefs(
  ports: ObjectPorts,
  project: string,
  seen: Seen,
  signal: AbortSignal,
): Promise<void> {
  const { refs, objects } = ports
  const damaged = new Set<string>()
  for await (const { uri } of allObjects(objects, project, 'refs')) {
    signal.throwIfAborted()
    seen.objects++
    if (!(await isWhole(ports, uri))) damaged.add(uri)
  }
  for await (const ref of refs.all(project)) {
    const { dataset, kind, name, sequence, version, principal, updatedAt } = ref
    if (ref.recorded < sequence) continue
    const record = encodeRef({
      dataset,
      kind,
      name,
      sequence,
      version,
      principal,
      at: updatedAt.toISOString(),
    })
    const uri = objectUri(project, sha256Hex(record), 'refs')
    const isMissing = !damaged.delete(uri) && (await objects.size(uri)) === null
    if (!isMissing && (await isWhole(ports, uri))) continue
    await objects.write(project, record, { kind: 'refs' })
    seen.damaged.push({ what: `${kind} "${name}" of dataset "${dataset}"`, uri, healed: true })
  }
  await verifyEnds(ports, project, { seen, damaged }, signal)
  for (const uri of damaged) {
    await objects.remove(uri)
    seen.damaged.push({ what: 'a change of a branch or tag that newer ones follow', uri, healed: true })
  }
}

/**
 * What says that versions were retired or purged is there. What is not is noted as not written, so that it is
 * written again within a minute, by whoever writes it the first time, and whoever is killed here.
 * @param found damaged: records that are; those of ends are taken out of it
 */
async function verifyEnds(
  ports: ObjectPorts,
  project: string,
  { seen, damaged }: { readonly seen: Seen; readonly damaged: Set<string> },
  signal: AbortSignal,
): Promise<void> {
  const { verify, datasets, objects, ends } = ports
  for (let after: string | null = null; ;) {
    const versions = await verify.ended(project, after, BATCH)
    if (versions.length === 0) return
    after = versions.at(-1)!.id
    for (const version of versions) {
      signal.throwIfAborted()
      await verifyLastCommit(ports, project, version, seen)
      const uri = objectUri(project, sha256Hex(await endRecordOf(datasets, version)), 'refs')
      // One that is just being written is not removed.
      const isDamaged = damaged.delete(uri)
      const isMissing = version.endRecorded && (await objects.size(uri)) === null
      if (!isDamaged && !isMissing) continue
      await ends.recordAgain(version.id)
      seen.damaged.push({ what: `end of ${nameOf(version)}`, uri, healed: true })
    }
  }
}

/**
 * The commit of a version that was retired may be gone: the record of its end says the same. One of a version that
 * was purged was written by somebody whose lock was lost.
 */
async function verifyLastCommit(
  ports: ObjectPorts,
  project: string,
  version: DatasetVersion,
  seen: Seen,
): Promise<void> {
  const uri = objectUri(project, version.commit!, 'commits')
  if ((await ports.objects.size(uri)) === null) return
  if (version.purge === null) return verifyCommit(ports, project, version, seen)
  if (!version.endRecorded) return
  await ports.ends.eraseAgain(version.id)
  seen.damaged.push({ what: `commit of ${nameOf(version)}, which was purged`, uri, healed: true })
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

function nameOf({ dataset, version }: DatasetVersion): string {
  return `version ${version} of dataset "${dataset.name}"`
}
