import { definitionName, statesOf } from '../../domain/data/definitions.js'
import { objectUri } from '../../stores/objects/object-uri.js'
import { allObjects } from '../../stores/objects/whole.js'
import type { CataloguedDefinition } from '../../stores/postgres/definition-store.js'
import type { Ports } from '../ports.js'
import { isWhole, type Seen } from './verify-objects.js'

type DefinitionPorts = Pick<Ports, 'definitions' | 'objects'>

/**
 * Reads all records of suites and transformations, and what the latter have learned. A damaged record is written
 * anew from its row; one that no row says any more is removed. What was learned is nowhere else.
 */
export async function verifyDefinitions(
  ports: DefinitionPorts,
  project: string,
  seen: Seen,
  signal: AbortSignal,
): Promise<void> {
  const { definitions, objects } = ports
  const damaged = new Set<string>()
  for await (const { uri } of allObjects(objects, project, 'definitions')) {
    signal.throwIfAborted()
    seen.objects++
    if (!(await isWhole(ports, uri))) damaged.add(uri)
  }
  for await (const each of definitions.all(project)) {
    signal.throwIfAborted()
    await verifyStates(ports, project, each, seen)
    const { definition, uri, content, isRecorded } = each
    const isDamaged = damaged.delete(uri)
    // What is owed still is about to be written.
    if (!isRecorded || (!isDamaged && (await objects.size(uri)) !== null)) continue
    await objects.write(project, content, { kind: 'definitions', signal })
    seen.damaged.push({ what: definitionName(definition), uri, healed: true })
  }
  for (const uri of damaged) {
    await objects.remove(uri)
    seen.damaged.push({ what: 'a change of a suite that newer ones follow', uri, healed: true })
  }
}

async function verifyStates(
  ports: DefinitionPorts,
  project: string,
  { definition }: CataloguedDefinition,
  seen: Seen,
): Promise<void> {
  if (definition.t !== 'transformation') return
  for (const { sha256 } of statesOf(definition)) {
    seen.objects++
    const uri = objectUri(project, sha256)
    if (await isWhole(ports, uri)) continue
    seen.damaged.push({ what: `state of ${definitionName(definition)}`, uri, healed: false })
  }
}
