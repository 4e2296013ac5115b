import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ConversionSpec } from '../../domain/datasets/conversion.js'
import { rawName } from '../../domain/datasets/reading.js'
import { findFile } from '../../domain/data/walk.js'
import { parseObjectUri } from '../../stores/objects/object-uri.js'
import { isDamage } from '../../stores/objects/verified.js'
import { type HeldFiles, hasTable, type TableVersion } from '../../stores/postgres/dataset-store.js'
import type { DatasetVersion } from '../../stores/postgres/entities/dataset.js'
import type { Ports } from '../ports.js'
import { withScratch } from '../scratch.js'
import { storeFiles } from './store-files.js'

// The bytes that a table was made from are there twice: as an object, and in packs as the one file of its version.

type StorePorts = Pick<Ports, 'objects' | 'catalogue' | 'holds' | 'packing' | 'scratch'>

function pathOf({ conversion }: TableVersion): string {
  const isJoined = (conversion as { joined?: unknown }).joined !== undefined
  return isJoined ? 'predictions.parquet' : rawName((conversion as ConversionSpec).format)
}

/** Puts them into packs, as far as they are not there. Again, it writes nothing. @throws MlforgeError object_missing, object_corrupt */
export function storeTableBytes(
  ports: StorePorts,
  project: string,
  version: TableVersion,
  signal: AbortSignal,
): Promise<HeldFiles> {
  return withScratch(ports.scratch, async directory => {
    const file = await ports.objects.toFile(version.raw.uri, directory)
    return storeFiles(ports, project, [{ path: pathOf(version), file }], signal)
  })
}

/** Puts lost chunks of a table into packs again, out of the object. False where that is no better. */
export async function packsFromObject(
  ports: StorePorts,
  project: string,
  version: DatasetVersion,
  signal: AbortSignal,
): Promise<boolean> {
  if (!hasTable(version)) return false
  try {
    const { held } = await storeTableBytes(ports, project, version, signal)
    // The version itself keeps them.
    await ports.holds.drop(held.owner)
    return true
  } catch (error) {
    if (isDamage(error)) return false
    throw error
  }
}

/** Writes the object again, out of packs. False where they are no better; null of a version that was purged meanwhile. */
export async function objectFromPacks(
  { objects, packs, ends, scratch }: Pick<Ports, 'objects' | 'packs' | 'ends' | 'scratch'>,
  project: string,
  version: DatasetVersion,
  signal: AbortSignal,
): Promise<boolean | null> {
  if (!hasTable(version) || version.manifest === null) return false
  const { sha256, uri } = version.raw
  const { kind } = parseObjectUri(uri)!
  try {
    const file = await findFile(packs.walk(project), version.manifest, pathOf(version))
    if (file === null) return false
    return await withScratch(scratch, async directory => {
      // Read before: what is held meanwhile is a connection, and reading asks for others.
      const local = join(directory, 'raw')
      await writeFile(local, packs.file(project, file), { signal })
      return ends.whileKept(version.id, async (_, lost) => {
        const stop = AbortSignal.any([signal, lost])
        await objects.write(project, createReadStream(local), { sha256, kind, signal: stop })
        return true
      })
    })
  } catch (error) {
    if (isDamage(error)) return false
    throw error
  }
}
