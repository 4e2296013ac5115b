import { chunksOf, findFile } from '../../domain/data/walk.js'
import { MlforgeError } from '../../domain/errors.js'
import { type Copy, readHead } from './copy.js'

/**
 * Chunks that a file has in the version that is checked out, which the store has as well; none where something was
 * committed on top of it, or where that is not known here.
 */
export async function storedChunks({ root, nodes }: Copy, path: string): Promise<ReadonlySet<string>> {
  const { version, draft, manifest } = readHead(root)
  const stored = new Set<string>()
  if (version === null || draft !== null || manifest === null) return stored
  try {
    const file = await findFile(nodes.load, manifest, path)
    if (file !== null) for await (const { chunk } of chunksOf(nodes.load, file)) stored.add(chunk)
  } catch (error) {
    if (!(error instanceof MlforgeError) || error.code !== 'object_missing') throw error
  }
  return stored
}
