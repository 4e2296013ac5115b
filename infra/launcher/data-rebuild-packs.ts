import type { Piece } from '../../packing/messages.js'
import { ordered } from '../../packing/ordered.js'
import type { Packing } from '../../packing/packing.js'
import { readChunk } from '../../packing/read-chunk.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'
import { objectUri } from '../../stores/objects/object-uri.js'
import { isDamage } from '../../stores/objects/verified.js'
import type { PackCatalogue } from '../../stores/postgres/pack-catalogue.js'
import type { SweepStore } from '../../stores/postgres/sweep-store.js'
import { type DataProblem, problemOf, type StoredPack, storedPacks } from './data-records.js'

export interface RebuildPackPorts {
  readonly objects: ObjectStore
  readonly catalogue: PackCatalogue
  readonly sweep: SweepStore
  readonly packing: Packing
}

/** Packs that are verified at once: each is in memory. */
const AT_ONCE = 4

/**
 * Takes on packs that no row is about. Each of their chunks is verified before, as in packs of pushes: an index may
 * lie, and what a push was refused for is still there.
 * @returns how many
 */
export async function rebuildPacks(
  ports: RebuildPackPorts,
  project: string,
  problems: DataProblem[],
): Promise<number> {
  let taken = 0
  const work = (pack: StoredPack) => takeOn(ports, project, pack)
  for await (const problem of ordered(
    unknownPacks(ports, project, problems),
    AT_ONCE,
    work,
    () => undefined,
  )) {
    if (problem === null) taken++
    else problems.push(problem)
  }
  return taken
}

async function* unknownPacks(
  { objects, sweep }: RebuildPackPorts,
  project: string,
  problems: DataProblem[],
): AsyncGenerator<StoredPack> {
  for await (const pack of storedPacks(objects, project)) {
    if ('code' in pack) problems.push(pack)
    else if ((await sweep.unknown(project, [pack.sha256])).length > 0) yield pack
  }
}

/** @returns what is wrong with a pack, null where nothing is */
async function takeOn(
  ports: RebuildPackPorts,
  project: string,
  pack: StoredPack,
): Promise<DataProblem | null> {
  const { objects, catalogue, packing } = ports
  const { sha256, bytes } = pack
  const uri = objectUri(project, sha256, 'packs')
  try {
    await packing.verify({ bytes, read: into => objects.range(uri, 0, bytes, { into }) })
  } catch (error) {
    const problem = problemOf('pack_corrupt', uri, error)
    await salvage(ports, project, pack)
    return { ...problem, message: `${problem.message} Its chunks that are whole were put into another pack.` }
  }
  await catalogue.add(project, pack, objects)
  return null
}

/** Puts chunks of a damaged pack that are whole into another one, as a verification does. */
async function salvage(
  { objects, catalogue, packing }: RebuildPackPorts,
  project: string,
  pack: StoredPack,
): Promise<void> {
  const uri = objectUri(project, pack.sha256, 'packs')
  const whole: Piece[] = []
  for (const entry of pack.chunks) {
    try {
      const content = readChunk(await objects.range(uri, entry.offset, entry.stored), entry)
      whole.push({ sha256: entry.sha256, bytes: content.length, from: { content } })
    } catch (error) {
      if (!isDamage(error)) throw error
    }
  }
  for await (const { sha256, content, chunks } of packing.packs(whole)) {
    await objects.write(project, content, { kind: 'packs', sha256 })
    await catalogue.add(project, { sha256, bytes: content.length, chunks }, objects)
  }
}
