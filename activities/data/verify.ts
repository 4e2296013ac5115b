import type { DamagedFile } from '../../contracts/temporal/data-verification.js'
import { decodeNode, listOf } from '../../domain/data/nodes.js'
import { chunksOf } from '../../domain/data/walk.js'
import type { Piece } from '../../packing/messages.js'
import { objectUri } from '../../stores/objects/object-uri.js'
import { isDamage } from '../../stores/objects/verified.js'
import type { NeededPack } from '../../stores/postgres/verify-store.js'
import type { Ports } from '../ports.js'
import { withScratch } from '../scratch.js'
import { markBelow } from './collect.js'

export type VerifyPorts = Pick<
  Ports,
  'marks' | 'verify' | 'damages' | 'packs' | 'catalogue' | 'packing' | 'objects' | 'packObjects' | 'scratch'
>

/** Marks all that is needed below marked roots; what is below a damaged node is not known. */
export async function markWhole(
  { marks, packs }: Pick<VerifyPorts, 'marks' | 'packs'>,
  { runId, project }: { readonly runId: string; readonly project: string },
  signal: AbortSignal,
): Promise<void> {
  const read = async (nodes: readonly string[]) => {
    const found: Uint8Array[] = []
    for (const sha256 of nodes) {
      const node = await packs.load(project, sha256).catch(nullIfDamaged)
      if (node !== null) found.push(node)
    }
    return found
  }
  await markBelow(marks, runId, read, signal)
}

/**
 * Reads a pack whole. Of one that is damaged all that can be read, from it or from others, is written anew: to the
 * same object where that is all of it, else to another one, and the damaged one is forgotten. What is in no pack
 * then is missing, so that whoever pushes it again sends it.
 * @returns whether it was damaged
 */
export async function verifyPack(
  ports: VerifyPorts,
  { runId, project }: { readonly runId: string; readonly project: string },
  pack: NeededPack,
  signal: AbortSignal,
): Promise<boolean> {
  const { verify, damages, packs, packing, objects, catalogue, packObjects, scratch } = ports
  const uri = objectUri(project, pack.sha256, 'packs')
  try {
    await withScratch(scratch, async directory =>
      packing.verify(await objects.toFile(uri, directory), { signal }),
    )
    return false
  } catch (error) {
    if (!isDamage(error)) throw error
  }
  await damages.note(runId, { uri, what: 'pack', missing: false }, pack)
  const whole: Piece[] = []
  for (const { sha256 } of await verify.chunks(pack.id)) {
    signal.throwIfAborted()
    const content = await packs.load(project, sha256).catch(nullIfDamaged)
    if (content !== null) whole.push({ sha256, bytes: content.length, from: { content } })
  }
  let isSame = false
  for await (const { sha256, content, chunks } of packing.packs(whole, { signal })) {
    await objects.write(project, content, { kind: 'packs', sha256, signal })
    await catalogue.add(project, { sha256, bytes: content.length, chunks }, objects)
    isSame ||= sha256 === pack.sha256
  }
  if (!isSame) await packObjects.discard(project, pack, objects)
  return true
}

/** Files of a version that have one of some chunks. */
export async function* damagedFiles(
  { packs }: Pick<VerifyPorts, 'packs'>,
  project: string,
  manifest: string,
  lost: ReadonlySet<string>,
): AsyncGenerator<Pick<DamagedFile, 'path' | 'chunk'>> {
  const load = packs.walk(project)
  yield* below(manifest, '')

  async function* below(root: string, last: string): AsyncGenerator<Pick<DamagedFile, 'path' | 'chunk'>> {
    const bytes = await load(root).catch(nullIfDamaged)
    if (bytes === null) {
      yield { path: `…${last}`, chunk: root }
      return
    }
    const node = decodeNode(bytes)
    if (node.kind === 'tree') for (const entry of node.entries) yield* below(entry.node, entry.last)
    if (node.kind !== 'files') return
    for (const file of node.entries) {
      const chunk = await firstLost(file)
      if (chunk !== null) yield { path: file.path, chunk }
    }
  }

  async function firstLost(file: Parameters<typeof chunksOf>[1]): Promise<string | null> {
    const list = listOf(file.content)
    try {
      for await (const { chunk } of chunksOf(load, file)) if (lost.has(chunk)) return chunk
      return null
    } catch (error) {
      if (!isDamage(error)) throw error
      // A node of the list of its chunks, at or below this one.
      return list
    }
  }
}

function nullIfDamaged(error: unknown): null {
  if (isDamage(error)) return null
  throw error
}
