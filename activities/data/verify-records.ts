import { encodeRef } from '../../domain/data/commit.js'
import { sha256Hex } from '../../stores/ids.js'
import { objectUri } from '../../stores/objects/object-uri.js'
import { allObjects } from '../../stores/objects/whole.js'
import type { DatasetVersion } from '../../stores/postgres/entities/dataset.js'
import { endRecordOf } from './record-ends.js'
import type { SeenObjects } from './seen-objects.js'
import { isWhole, nameOf, type ObjectPorts, verifyCommit } from './verify-objects.js'

/** A damaged record, until it is known which one it is: those that are then left say nothing that still holds. */
export const OUTDATED = {
  refs: 'a change of a branch or tag that newer ones follow',
  definitions: 'a change of a suite that newer ones follow',
} as const
const BATCH = 100

/** Reads all records of a kind, and notes those that are damaged. */
export function readRecords(kind: keyof typeof OUTDATED) {
  return async (
    ports: ObjectPorts,
    project: string,
    seen: SeenObjects,
    signal: AbortSignal,
  ): Promise<void> => {
    const after = seen.begin(kind)
    // They count as if no attempt before this one had written or removed any.
    const noted = await seen.notedRecords(kind, after)
    const countGone = (before: string | null) => {
      while (noted[0] !== undefined && (before === null || noted[0].uri < before)) {
        if (!noted.shift()!.missing) seen.count()
      }
    }
    for await (const { uri } of allObjects(ports.objects, project, kind, after)) {
      signal.throwIfAborted()
      countGone(uri)
      const wasMissing = noted[0]?.uri === uri && noted.shift()!.missing
      if (!wasMissing) seen.count()
      if (!(await isWhole(ports, uri))) await seen.note({ uri, what: OUTDATED[kind], missing: false })
      seen.at(uri)
    }
    countGone(null)
  }
}

/** Records of branches and tags that say how things stand are there and whole, or are written anew. */
export async function verifyBranches(
  ports: ObjectPorts,
  project: string,
  seen: SeenObjects,
  signal: AbortSignal,
): Promise<void> {
  seen.begin('branches')
  const { objects, refs } = ports
  const damaged = new Set(await seen.unhealed(OUTDATED.refs))
  for await (const ref of refs.all(project)) {
    signal.throwIfAborted()
    const { dataset, kind, name, sequence, version, principal, updatedAt } = ref
    if (ref.recorded < sequence) continue
    const at = updatedAt.toISOString()
    const record = encodeRef({ dataset, kind, name, sequence, version, principal, at })
    const uri = objectUri(project, sha256Hex(record), 'refs')
    const missing = !damaged.has(uri) && (await objects.size(uri)) === null
    if (!missing && !damaged.has(uri) && (await isWhole(ports, uri))) continue
    await seen.heal({ what: `${kind} "${name}" of dataset "${dataset}"`, uri, missing }, async () => {
      await objects.write(project, record, { kind: 'refs' })
      return true
    })
    await seen.drop({ uri, what: OUTDATED.refs })
  }
}

/**
 * What says that versions were retired or purged is there. What is not is noted as not written, so that it is
 * written again within a minute, by whoever writes it the first time, and whoever is killed here.
 */
export async function verifyEnds(
  ports: ObjectPorts,
  project: string,
  seen: SeenObjects,
  signal: AbortSignal,
): Promise<void> {
  const damaged = new Set(await seen.unhealed(OUTDATED.refs))
  for (let after = seen.begin('ends'); ;) {
    const versions = await ports.verify.ended(project, after, BATCH)
    if (versions.length === 0) return
    after = versions.at(-1)!.id
    for (const version of versions) {
      signal.throwIfAborted()
      await verifyLastCommit(ports, project, version, seen)
      await verifyEnd(ports, project, { version, damaged }, seen)
      seen.at(version.id)
    }
  }
}

async function verifyEnd(
  { datasets, objects, ends }: ObjectPorts,
  project: string,
  { version, damaged }: { readonly version: DatasetVersion; readonly damaged: ReadonlySet<string> },
  seen: SeenObjects,
): Promise<void> {
  const uri = objectUri(project, sha256Hex(await endRecordOf(datasets, version)), 'refs')
  // One that is just being written is not removed.
  const missing = !damaged.has(uri) && version.endRecorded && (await objects.size(uri)) === null
  if (!damaged.has(uri) && !missing) return
  await seen.heal({ what: `end of ${nameOf(version)}`, uri, missing }, async () => {
    await ends.recordAgain(version.id)
    return true
  })
  await seen.drop({ uri, what: OUTDATED.refs })
}

/**
 * The commit of a version that was retired may be gone: the record of its end says the same. One of a version that
 * was purged was written by somebody whose lock was lost.
 */
async function verifyLastCommit(
  ports: ObjectPorts,
  project: string,
  version: DatasetVersion,
  seen: SeenObjects,
): Promise<void> {
  const uri = objectUri(project, version.commit!, 'commits')
  if ((await ports.objects.size(uri)) === null) return
  if (version.purge === null) return verifyCommit(ports, project, version, seen)
  if (!version.endRecorded) return
  const what = `commit of ${nameOf(version)}, which was purged`
  await seen.heal({ what, uri, missing: false }, async () => {
    await ports.ends.eraseAgain(version.id)
    return true
  })
}

/** Damaged records that are out of date are removed, since the newer ones hold. */
export async function removeOutdated(
  ports: ObjectPorts,
  _project: string,
  seen: SeenObjects,
  signal: AbortSignal,
): Promise<void> {
  seen.begin('outdated')
  for (const what of Object.values(OUTDATED)) {
    for (const uri of await seen.unhealed(what)) {
      signal.throwIfAborted()
      await seen.heal({ uri, what, missing: false }, async () => {
        if (!(await isWhole(ports, uri))) await ports.objects.remove(uri)
        return true
      })
    }
  }
}
