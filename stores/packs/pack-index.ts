import { FOOTER_BYTES, indexOffset, type PackEntry, readPackIndex } from '../../domain/data/pack.js'
import { sha256Of } from '../../packing/read-chunk.js'
import type { ObjectStore } from '../objects/object-store.js'

/**
 * What a stored pack says to hold: two small reads.
 * @param bytes of the whole pack
 * @throws MlforgeError object_corrupt, unsupported_format, object_missing
 */
export async function readStoredIndex(
  objects: Pick<ObjectStore, 'range'>,
  uri: string,
  bytes: number,
): Promise<PackEntry[]> {
  const length = Math.min(bytes, FOOTER_BYTES)
  const index = indexOffset(await objects.range(uri, bytes - length, length), bytes)
  return readPackIndex(await objects.range(uri, index, bytes - index), bytes, sha256Of)
}
