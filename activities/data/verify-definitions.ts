import { type Definition, definitionName, statesOf } from '../../domain/data/definitions.js'
import { objectUri } from '../../stores/objects/object-uri.js'
import type { SeenObjects } from './seen-objects.js'
import { isWhole, type ObjectPorts } from './verify-objects.js'
import { OUTDATED } from './verify-records.js'

/**
 * Records of suites and transformations that say how things stand are there and whole, or are written anew from their
 * rows. What was learned is nowhere else.
 */
export async function verifyDefinitions(
  ports: ObjectPorts,
  project: string,
  seen: SeenObjects,
  signal: AbortSignal,
): Promise<void> {
  seen.begin('defined')
  const { definitions, objects } = ports
  const damaged = new Set(await seen.unhealed(OUTDATED.definitions))
  for await (const { definition, uri, content, isRecorded } of definitions.all(project)) {
    signal.throwIfAborted()
    await verifyStates(ports, project, definition, seen)
    const known = { uri, what: OUTDATED.definitions }
    // What is owed still is about to be written.
    if (!isRecorded) {
      if (damaged.has(uri)) await seen.drop(known)
      continue
    }
    const missing = !damaged.has(uri) && (await objects.size(uri)) === null
    if (!missing && !damaged.has(uri)) continue
    await seen.heal({ what: definitionName(definition), uri, missing }, async () => {
      await objects.write(project, content, { kind: 'definitions', signal })
      return true
    })
    await seen.drop(known)
  }
}

async function verifyStates(
  ports: ObjectPorts,
  project: string,
  definition: Definition,
  seen: SeenObjects,
): Promise<void> {
  if (definition.t !== 'transformation') return
  for (const { sha256 } of statesOf(definition)) {
    seen.count()
    const uri = objectUri(project, sha256)
    if (await isWhole(ports, uri)) continue
    const what = `state of ${definitionName(definition)}`
    await seen.heal({ what, uri, missing: false }, () => Promise.resolve(false))
  }
}
