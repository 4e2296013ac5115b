import { buildManifest, contentOf } from '../../domain/data/build.js'
import type { FileEntry } from '../../domain/data/nodes.js'
import type { Piece } from '../../packing/messages.js'
import { sha256Hex } from '../../stores/ids.js'
import type { FilesContent } from '../../stores/postgres/dataset-store.js'
import type { DataPorts } from './transfers.js'

/** A local file under the path that it is to have. */
export interface StoredFile {
  readonly path: string
  readonly file: string
}

/** Chunks that are looked for at once. */
const BATCH = 5_000

/** Puts local files into packs, as far as their chunks are not there yet. Again, it writes nothing. */
export async function storeFiles(
  { objects, catalogue, packing }: StorePorts,
  project: string,
  files: readonly StoredFile[],
  signal: AbortSignal,
): Promise<FilesContent> {
  const pieces = new Map<string, Piece>()
  const keep = (node: Uint8Array): string => {
    const sha256 = sha256Hex(node)
    pieces.set(sha256, { sha256, bytes: node.length, from: { content: node } })
    return sha256
  }
  const entries: FileEntry[] = []
  let at = 0
  for await (const { file, bytes, chunks } of packing.scan(
    files.map(each => each.file),
    { signal },
  )) {
    let offset = 0
    for (const { chunk: sha256, bytes: length } of chunks) {
      pieces.set(sha256, { sha256, bytes: length, from: { file, offset } })
      offset += length
    }
    entries.push({ path: files[at++]!.path, bytes, isExecutable: false, content: contentOf(chunks, keep) })
  }
  const manifest = buildManifest(entries, keep)
  for await (const pack of packing.packs(missing(), { signal })) {
    await objects.write(project, pack.content, { kind: 'packs', sha256: pack.sha256, signal })
    const { sha256, chunks } = pack
    await catalogue.add(project, { sha256, bytes: pack.content.length, chunks })
  }
  return { manifest, files: entries.length, bytes: entries.reduce((sum, { bytes }) => sum + bytes, 0) }

  async function* missing(): AsyncGenerator<Piece> {
    const all = [...pieces.keys()]
    for (let from = 0; from < all.length; from += BATCH) {
      for (const sha256 of await catalogue.missing(project, all.slice(from, from + BATCH), null)) {
        yield pieces.get(sha256)!
      }
    }
  }
}

type StorePorts = Pick<DataPorts, 'objects' | 'catalogue' | 'packing'>
