import type { DataSource } from 'typeorm'
import type { Config } from '../../config/config.js'
import { Packing } from '../../packing/packing.js'
import { openObjectStore } from '../../stores/objects/open.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { objectUri, sha256OfUri } from '../../stores/objects/object-uri.js'
import { PackStore } from '../../stores/packs/pack-store.js'
import { connectPostgres } from '../../stores/postgres/data-source.js'
import { DefinitionStore } from '../../stores/postgres/definition-store.js'
import { PackCatalogue } from '../../stores/postgres/pack-catalogue.js'
import { RebuildStore } from '../../stores/postgres/rebuild-store.js'
import { RefStore } from '../../stores/postgres/ref-store.js'
import { assertSchema } from '../../stores/postgres/schema-version.js'
import { SweepStore } from '../../stores/postgres/sweep-store.js'
import { type CommittedVersion, VerifyStore } from '../../stores/postgres/verify-store.js'
import { compareDefinitions } from './data-definitions.js'
import { type DataProblem, refKey, type StoredRecords, storedPacks, storedRecords } from './data-records.js'
import { type Rebuilt, rebuildCatalogue } from './data-rebuild.js'

export interface FsckReport {
  readonly ok: boolean
  readonly rebuilt: Rebuilt | null
  readonly problems: readonly DataProblem[]
}

const BATCH = 500

/**
 * Compares the catalogue of data with the object store. What is read are indices, commits and records: a
 * verification reads all.
 * @param options rebuild: first makes rows of what the object store alone has; packs among it are read whole
 */
export async function fsckData(
  config: Pick<Config, 'project' | 'postgres' | 'objects' | 'stateDirectory'>,
  { rebuild = false }: { readonly rebuild?: boolean } = {},
): Promise<FsckReport> {
  const { project } = config
  const dataSource = await connectPostgres(config.postgres.url, 2)
  const packing = new Packing()
  try {
    await assertSchema(dataSource)
    const objects = await openObjectStore(config)
    const problems: DataProblem[] = []
    const catalogue = new PackCatalogue(dataSource)
    const packs = new PackStore(objects, catalogue)
    const sweep = new SweepStore(dataSource)
    const ports = { objects, catalogue, packs, packing, sweep, rebuild: new RebuildStore(dataSource) }
    const rebuilt = rebuild ? await rebuildCatalogue(ports, project, problems) : null
    const found = [
      ...problems,
      ...(await comparePacks(dataSource, objects, project)),
      ...(await compareRecords(dataSource, objects, project)),
    ]
    await compareDefinitions(objects, new DefinitionStore(dataSource.manager), project, found)
    // A damaged object is seen by both.
    const once = [...new Map(found.map(problem => [`${problem.code} ${problem.at}`, problem])).values()]
    return { ok: once.length === 0, rebuilt, problems: once }
  } finally {
    await packing.close()
    await dataSource.destroy()
  }
}

/** Packs of the catalogue have their objects, and each is what the catalogue says. */
async function comparePacks(
  dataSource: DataSource,
  objects: ObjectStore,
  project: string,
): Promise<DataProblem[]> {
  const problems: DataProblem[] = []
  const verify = new VerifyStore(dataSource)
  const sweep = new SweepStore(dataSource)
  for (let after = '0'; ;) {
    const rows = await verify.all(project, after, BATCH)
    if (rows.length === 0) break
    after = rows.at(-1)!.id
    for (const { sha256, bytes } of rows) {
      const uri = objectUri(project, sha256, 'packs')
      const size = await objects.size(uri)
      if (size === bytes) continue
      const message =
        size === null ? 'The pack is missing.' : `The pack has ${size} bytes instead of ${bytes}.`
      problems.push({
        code: 'pack_missing',
        at: uri,
        message: `${message} Verify, and push its files again.`,
      })
    }
  }
  for await (const pack of storedPacks(objects, project)) {
    if ('code' in pack) {
      const isUnknown = (await sweep.unknown(project, [sha256OfUri(pack.at)])).length > 0
      problems.push(isUnknown ? noPack(pack) : pack)
      continue
    }
    const at = objectUri(project, pack.sha256, 'packs')
    if ((await sweep.unknown(project, [pack.sha256])).length > 0) {
      const message =
        'No row is about this pack. A collection removes it; --rebuild takes it on if it is whole.'
      problems.push({ code: 'pack_unknown', at, message })
    } else if (!(await verify.hasChunks(project, pack))) {
      const message =
        'The rows of its chunks are not what its index says. Remove the rows of the pack, then --rebuild.'
      problems.push({ code: 'pack_differs', at, message })
    }
  }
  return problems
}

/** What was refused when it came, as a rule: there is nothing that a verification could compare it with. */
function noPack({ at, message }: DataProblem): DataProblem {
  return {
    code: 'pack_unknown',
    at,
    message: `No row is about this object, and it is none that could be taken on: ${message} A collection removes it.`,
  }
}

/** Versions, branches and tags are what the object store says. */
async function compareRecords(
  dataSource: DataSource,
  objects: ObjectStore,
  project: string,
): Promise<DataProblem[]> {
  const problems: DataProblem[] = []
  const { commits, refs, ends } = await storedRecords(objects, project, problems)
  const rows = await new VerifyStore(dataSource).committed(project)
  const known = new Set(rows.map(({ commit }) => commit))
  problems.push(...rows.flatMap(row => missingRecord(row, { commits, ends }) ?? []))
  for (const [sha256, { dataset, version }] of commits) {
    if (known.has(sha256)) continue
    const message = `The catalogue does not have it; --rebuild takes it on where there is no other version ${version}.`
    problems.push({ code: 'commit_unknown', at: `dataset ${dataset} version ${version}`, message })
  }
  const seen = new Set<string>()
  for await (const ref of new RefStore(dataSource).all(project)) {
    seen.add(refKey(ref))
    const stored = refs.get(refKey(ref))
    if (ref.recorded < ref.sequence || stored?.sequence === ref.sequence) continue
    const message = `The object store says ${stored === undefined ? 'nothing of it' : `change ${stored.sequence}`}, the catalogue change ${ref.sequence}. ${stored !== undefined && stored.sequence > ref.sequence ? '--rebuild takes it on where a branch is behind; move it by hand otherwise.' : 'Verify: it is written again.'}`
    problems.push({ code: 'ref_differs', at: `${ref.kind} ${ref.name} of dataset ${ref.dataset}`, message })
  }
  for (const [key, { kind, name, dataset }] of refs) {
    if (seen.has(key)) continue
    const message = 'The catalogue does not have it; --rebuild takes it on.'
    problems.push({ code: 'ref_unknown', at: `${kind} ${name} of dataset ${dataset}`, message })
  }
  return problems
}

/** What the object store does not say of a version; null where it says all. */
function missingRecord(
  { dataset, version, commit, retired, purged, endRecorded }: CommittedVersion,
  { commits, ends }: Pick<StoredRecords, 'commits' | 'ends'>,
): DataProblem | null {
  const at = `dataset ${dataset} version ${version}`
  if (!retired) {
    if (commits.has(commit)) return null
    const message = `Its commit ${commit} is not in the object store. Verify: it is written again.`
    return { code: 'commit_missing', at, message }
  }
  const end = ends.get(commit)
  // What is not recorded yet is about to be.
  if (!endRecorded || (purged ? end?.purge != null : end !== undefined)) return null
  const message = `The object store does not say that it was ${purged ? 'purged' : 'retired'}. Verify: it is written again within a minute.`
  return { code: 'end_missing', at, message }
}
