import { MlforgeError } from '../../domain/errors.js'
import { conflict } from './checkout-apply.js'
import { type Copy, stateFile } from './copy.js'
import type { ChunkSource } from './fetch-nodes.js'
import { readIndex } from './index-file.js'
import { LocalChunks } from './local-chunks.js'
import { statusOf } from './status.js'

/** Chunks of what is committed in a working copy, whose files have to be as they were committed. */
export async function committedChunks(copy: Copy): Promise<ChunkSource> {
  const { staged, unstaged } = await statusOf(copy)
  const changed = [staged.changed, staged.removed, unstaged.changed, unstaged.removed].flat()
  if (changed.length > 0) {
    const problems = [...new Set(changed)].map(at => ({ at, message: 'It is not as it was committed.' }))
    throw conflict('Nothing was read.', problems, 'Commit it, put it back, or name a version of the server.')
  }
  const index = readIndex(stateFile(copy.root, 'index.json'))
  const chunks = await LocalChunks.of(copy, [...index.values()])
  return {
    async *load(hashes) {
      for (const sha256 of hashes) {
        const content = copy.nodes.has(sha256) ? await copy.nodes.load(sha256) : chunks.read(sha256)
        if (content === null) {
          throw new MlforgeError('file_changed', `A file in "${copy.root}" has changed meanwhile. Try again.`)
        }
        yield { sha256, content }
      }
    },
  }
}
