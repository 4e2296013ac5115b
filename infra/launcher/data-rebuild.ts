import { createHash } from 'node:crypto'
import type { Commit, NamedObject, RefRecord } from '../../domain/data/commit.js'
import { filesOf } from '../../domain/data/walk.js'
import { objectUri } from '../../stores/objects/object-uri.js'
import type { PackStore } from '../../stores/packs/pack-store.js'
import type { StoredContent } from '../../stores/postgres/entities/dataset.js'
import type { RebuildStore, StandingRef } from '../../stores/postgres/rebuild-store.js'
import { type RebuiltDefinitions, rebuildDefinitions } from './data-definitions.js'
import { type DataProblem, storedRecords } from './data-records.js'
import { rebuildPacks, type RebuildPackPorts } from './data-rebuild-packs.js'

export interface Rebuilt extends RebuiltDefinitions {
  packs: number
  versions: number
  refs: number
}

export interface RebuildPorts extends RebuildPackPorts {
  readonly packs: PackStore
  readonly rebuild: RebuildStore
}

/**
 * Makes rows of what the object store has and the catalogue has not: packs first, then versions, branches and tags, and
 * suites and transformations.
 */
export async function rebuildCatalogue(
  ports: RebuildPorts,
  project: string,
  problems: DataProblem[],
): Promise<Rebuilt> {
  const { objects, rebuild } = ports
  const packs = await rebuildPacks(ports, project, problems)
  const definitions = await rebuildDefinitions(ports, project, problems)
  const done: Rebuilt = { packs, versions: 0, refs: 0, ...definitions }

  const { commits, refs, ends } = await storedRecords(objects, project, problems)
  const all = new Map(commits)
  for (const { commit, last } of ends.values()) if (!all.has(commit)) all.set(commit, last)
  const inOrder = [...all].sort(([, a], [, b]) => a.version - b.version)
  for (const [sha256, commit] of inOrder) {
    const { id } = await rebuild.dataset(project, commit.dataset, commit.at)
    const end = ends.get(sha256) ?? null
    // What was retired has neither its table nor its chunks any more, or will soon not have them.
    const table = end === null ? commit.table : null
    const isNew = await rebuild.version(id, {
      commit,
      sha256,
      root: commit.table?.root ?? end?.root ?? commit.manifest,
      parentVersions: commit.parents
        .map(parent => all.get(parent)?.version)
        .filter(each => each !== undefined),
      parquet: table && (await stored(objects, project, table.parquet)),
      quarantine: table?.quarantine ? await stored(objects, project, table.quarantine) : null,
      raw: table && (await rawOf(ports, project, commit, problems)),
      end: end && { at: end.at, purge: end.purge && { ...end.purge, erased: [] } },
    })
    if (isNew) done.versions++
  }
  for (const ref of refs.values()) {
    const { id } = await rebuild.dataset(project, ref.dataset, ref.at)
    if (await rebuild.ref(id, ref)) done.refs++
    else if (isBehind(ref, await rebuild.refAt(id, ref), all)) {
      await rebuild.moveRef(id, ref)
      done.refs++
    }
  }
  return done
}

/**
 * Whether a branch is where it was before the last change that the object store says, as in a database that was
 * restored from an older backup. One that has gone elsewhere since stays where it is.
 */
function isBehind(
  { kind, sequence }: RefRecord,
  standing: StandingRef | null,
  commits: ReadonlyMap<string, Commit>,
): boolean {
  if (standing === null || kind !== 'branch' || standing.kind !== kind) return false
  if (standing.sequence >= sequence || standing.at === null || standing.wanted === null) return false
  const before = new Set([standing.wanted])
  for (const commit of before) for (const parent of commits.get(commit)?.parents ?? []) before.add(parent)
  return before.has(standing.at)
}

/** Where an object of a table is. Those of earlier releases are among all others. */
async function stored<T extends NamedObject>(
  objects: RebuildPorts['objects'],
  project: string,
  object: T,
): Promise<T & { readonly uri: string }> {
  const uri = objectUri(project, object.sha256, 'table-data')
  const before = objectUri(project, object.sha256)
  const isBefore = (await objects.size(uri)) === null && (await objects.size(before)) !== null
  return { ...object, uri: isBefore ? before : uri }
}

/** The bytes that a table was made from are the one file of its version. Where their object is gone it is written again. */
async function rawOf(
  { packs, objects }: RebuildPorts,
  project: string,
  { dataset, version, manifest }: Commit,
  problems: DataProblem[],
): Promise<StoredContent | null> {
  try {
    for await (const file of filesOf(sha256 => packs.load(project, sha256), manifest)) {
      const hash = createHash('sha256')
      let bytes = 0
      for await (const part of packs.file(project, file)) {
        hash.update(part)
        bytes += part.length
      }
      const sha256 = hash.digest('hex')
      const raw = await stored(objects, project, { sha256, bytes })
      if ((await objects.size(raw.uri)) === null) {
        await objects.write(project, packs.file(project, file), { sha256, kind: 'table-data' })
      }
      return raw
    }
  } catch (error) {
    const message = `The bytes of its table cannot be read: ${error instanceof Error ? error.message : String(error)}`
    problems.push({ code: 'table_unreadable', at: `dataset ${dataset} version ${version}`, message })
  }
  return null
}
