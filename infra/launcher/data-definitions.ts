import {
  type CurrentSuite,
  decodeDefinition,
  type Definition,
  definitionName,
  type SuiteDefinition,
} from '../../domain/data/definitions.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { allObjects } from '../../stores/objects/whole.js'
import type { DefinitionStore } from '../../stores/postgres/definition-store.js'
import type { RebuildStore } from '../../stores/postgres/rebuild-store.js'
import { type DataProblem, readRecord } from './data-records.js'

export interface RebuiltDefinitions {
  /** Versions of suites. */
  readonly suites: number
  /** Versions of transformations. */
  readonly transformations: number
}

/** What the object store says of suites and transformations. */
interface StoredDefinitions {
  /** Versions, by their uris. */
  readonly versions: ReadonlyMap<string, Exclude<Definition, CurrentSuite>>
  /** The last change of each suite, with its uri, by dataset. */
  readonly current: ReadonlyMap<string, { readonly uri: string; readonly change: CurrentSuite }>
}

/** They are in memory together, as commits are. */
async function storedDefinitions(
  objects: ObjectStore,
  project: string,
  problems: DataProblem[],
): Promise<StoredDefinitions> {
  const versions = new Map<string, Exclude<Definition, CurrentSuite>>()
  const current = new Map<string, { uri: string; change: CurrentSuite }>()
  for await (const { uri } of allObjects(objects, project, 'definitions')) {
    const found = await readRecord(objects, uri, decodeDefinition, problems)
    if (found === null) continue
    if (found.t !== 'current-suite') versions.set(uri, found)
    else if ((current.get(found.dataset)?.change.sequence ?? 0) < found.sequence) {
      current.set(found.dataset, { uri, change: found })
    }
  }
  return { versions, current }
}

/** Makes rows of what the object store has of suites and transformations, and the catalogue has not. */
export async function rebuildDefinitions(
  { objects, rebuild }: { readonly objects: ObjectStore; readonly rebuild: RebuildStore },
  project: string,
  problems: DataProblem[],
): Promise<RebuiltDefinitions> {
  const { versions, current } = await storedDefinitions(objects, project, problems)
  const done = { suites: 0, transformations: 0 }
  for (const { change } of current.values()) await rebuild.currentSuite(project, change, true)
  // Of two with one number the later one is taken.
  const inOrder = [...versions.values()].sort((a, b) => a.version - b.version || (a.at < b.at ? 1 : -1))
  for (const suite of inOrder.toReversed()) {
    if (suite.t === 'suite') await rebuild.currentSuite(project, changeTo(suite), false)
  }
  // The first version says how old a transformation is.
  for (const each of inOrder) {
    if (each.t === 'suite') done.suites += Number(await rebuild.suite(project, each))
    else done.transformations += Number(await rebuild.transformation(project, each))
  }
  return done
}

/** Of a suite of which the object store has versions, and not yet which of them is current: the newest is. */
function changeTo({ dataset, suiteId, version, principal, at }: SuiteDefinition): CurrentSuite {
  return { t: 'current-suite', dataset, suiteId, sequence: version, version, principal, at }
}

/** Suites and transformations are what the object store says. */
export async function compareDefinitions(
  objects: ObjectStore,
  definitions: DefinitionStore,
  project: string,
  problems: DataProblem[],
): Promise<void> {
  const { versions, current } = await storedDefinitions(objects, project, problems)
  const unknown = new Map<string, Definition>(versions)
  for (const { uri, change } of current.values()) unknown.set(uri, change)
  for await (const { definition, uri, isRecorded } of definitions.all(project)) {
    const last = definition.t === 'current-suite' ? current.get(definition.dataset)?.uri : undefined
    const isThere = unknown.delete(uri)
    // Of which version is current the row holds, whatever the object store says.
    if (last !== undefined) unknown.delete(last)
    if (isThere || !isRecorded) continue
    const message = 'The object store does not say this. Verify: it is written again.'
    problems.push({ code: 'definition_missing', at: definitionName(definition), message })
  }
  for (const definition of unknown.values()) {
    const message = 'The catalogue does not have it; --rebuild takes it on where there is no other.'
    problems.push({ code: 'definition_unknown', at: definitionName(definition), message })
  }
}
