import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { PushRequest } from '../../contracts/temporal/data.js'
import { buildManifest, contentOf } from '../../domain/data/build.js'
import type { FileEntry } from '../../domain/data/nodes.js'
import type { Piece } from '../../packing/messages.js'
import { Packing } from '../../packing/packing.js'
import { sha256Hex } from '../../stores/ids.js'
import type { NewPack } from '../../stores/postgres/pack-catalogue.js'
import type { Run } from '../../stores/postgres/entities/run.js'
import { type Harness, PROJECT } from './harness.js'

export type Files = Readonly<Record<string, string | Uint8Array>>

/** Files as a client has them before it pushes. */
export interface Tree {
  readonly manifest: string
  readonly files: number
  readonly bytes: number
  readonly entries: readonly FileEntry[]
  readonly packs: readonly (NewPack & { readonly content: Uint8Array })[]
}

/** Cuts and packs files as the SDK does. */
export async function treeOf(files: Files): Promise<Tree> {
  const directory = await mkdtemp(join(tmpdir(), 'mlforge-tree-'))
  const packing = new Packing({ threads: 1 })
  try {
    const paths = Object.keys(files)
    for (const path of paths) {
      await mkdir(dirname(join(directory, path)), { recursive: true })
      await writeFile(join(directory, path), files[path]!)
    }
    const pieces: Piece[] = []
    const keep = (node: Uint8Array): string => {
      const sha256 = sha256Hex(node)
      pieces.push({ sha256, bytes: node.length, from: { content: node } })
      return sha256
    }
    const entries: FileEntry[] = []
    for await (const { file, bytes, chunks } of packing.scan(paths.map(path => join(directory, path)))) {
      let offset = 0
      for (const { chunk: sha256, bytes: length } of chunks) {
        pieces.push({ sha256, bytes: length, from: { file, offset } })
        offset += length
      }
      const path = paths[entries.length]!
      entries.push({ path, bytes, isExecutable: false, content: contentOf(chunks, keep) })
    }
    const manifest = buildManifest(entries, keep)
    const packs: Tree['packs'][number][] = []
    for await (const { sha256, content, chunks } of packing.packs(pieces)) {
      packs.push({ sha256, bytes: content.length, content, chunks })
    }
    const bytes = entries.reduce((sum, each) => sum + each.bytes, 0)
    return { manifest, files: entries.length, bytes, entries, packs }
  } finally {
    await packing.close()
    await rm(directory, { recursive: true, force: true })
  }
}

/** Takes a push on as the API does. */
export function acceptPush(
  harness: Harness,
  dataset: string,
  { manifest, files, bytes }: Pick<Tree, 'manifest' | 'files' | 'bytes'>,
  more: Partial<PushRequest> = {},
): Promise<Run> {
  const request: PushRequest = {
    branch: 'main',
    base: null,
    manifest,
    files,
    bytes,
    message: null,
    author: 'somebody',
    code: null,
    ...more,
  }
  return harness.accept('push', dataset, request, {
    alongside: (transaction, run) => harness.ports.transfers.open(transaction, run),
  })
}

/** Sends a pack as the API takes it. */
export async function sendPack({ ports }: Harness, { id }: Run, pack: Tree['packs'][number]): Promise<void> {
  await ports.objects.write(PROJECT, pack.content, { kind: 'packs', sha256: pack.sha256 })
  await ports.transfers.receive(id, PROJECT, pack, ports.objects)
  ports.wakes.publish(id)
}

/** Says that everything was sent. */
export async function seal({ ports }: Harness, { id }: Run): Promise<void> {
  await ports.transfers.seal(id)
  ports.wakes.publish(id)
}

/** A whole push. */
export async function push(
  harness: Harness,
  dataset: string,
  tree: Tree,
  more: Partial<PushRequest> = {},
): Promise<Run> {
  const run = await acceptPush(harness, dataset, tree, more)
  for (const pack of tree.packs) await sendPack(harness, run, pack)
  await seal(harness, run)
  return harness.ended(run)
}
