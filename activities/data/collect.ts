import type { CollectionPlan } from '../../contracts/temporal/data-collection.js'
import { decodeNode } from '../../domain/data/nodes.js'
import { namedBy } from '../../domain/data/walk.js'
import type { Piece } from '../../packing/messages.js'
import { sha256OfUri } from '../../stores/objects/object-uri.js'
import { allObjects } from '../../stores/objects/whole.js'
import type { Collecting, PlannedPack } from '../../stores/postgres/sweep-store.js'
import type { Ports } from '../ports.js'

export type CollectPorts = Pick<
  Ports,
  'marks' | 'sweep' | 'packs' | 'catalogue' | 'packing' | 'objects' | 'packObjects'
>

/** Nodes that are read at once: they are in memory together with what they name. */
const NODES = 64
/** Packs that are looked at by one statement. */
const PACKS = 200
/** Packs that are swept by one transaction, and objects that are removed by one. */
const SWEPT = 100
const LISTED = 1_000
/** Of its chunks a pack has to have so much that is needed, or it is written anew. */
const LIVE_SHARE = 0.5
/** Bytes of chunks that are read at once to be written anew. */
const READ_BYTES = 16 * 1024 * 1024

/**
 * Marks what the versions of a project need, but for some. What was marked before stays marked.
 * @throws MlforgeError object_missing, object_corrupt: what is damaged cannot be collected around
 */
export async function markLive(
  { marks, packs }: CollectPorts,
  { runId, project }: { readonly runId: string; readonly project: string },
  without: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  await marks.markRoots(runId, project, without)
  const read = async (nodes: readonly string[]) =>
    (await packs.read(project, nodes, signal ? { signal } : {})).map(({ content }) => content)
  await markBelow(marks, runId, read, signal)
}

/**
 * Marks what marked nodes name, and what those name, until all is marked.
 * @param read gives the nodes that can be read
 */
export async function markBelow(
  marks: CollectPorts['marks'],
  runId: string,
  read: (nodes: readonly string[]) => Promise<readonly Uint8Array[]>,
  signal?: AbortSignal,
): Promise<void> {
  for (;;) {
    signal?.throwIfAborted()
    const open = await marks.open(runId, NODES)
    if (open.length === 0) return
    const nodes = await read(open)
    await marks.close(
      runId,
      open,
      nodes.flatMap(node => namedBy(decodeNode(node))),
    )
  }
}

/** Notes packs of which nothing is needed, or little, and says how much that is. */
export async function planPacks(
  { sweep, objects }: CollectPorts,
  { runId, project }: { readonly runId: string; readonly project: string },
  { planId, olderThanMs }: { readonly planId: string | null; readonly olderThanMs: number },
): Promise<Omit<CollectionPlan, 'versions' | 'tableObjects' | 'tableBytes'>> {
  await sweep.dropPlan(runId)
  const sum = { packs: 0, packBytes: 0, repacks: 0, repackBytes: 0, repackLiveBytes: 0 }
  for (let after = '0'; ;) {
    const found = await sweep.live(runId, project, after, PACKS)
    if (found.length === 0) break
    after = found.at(-1)!.id
    // Of its chunks alone: one of small chunks that are all needed would be written anew as what it is.
    const wanted = found.filter(
      ({ chunkBytes, liveBytes }) => liveBytes === 0 || liveBytes < chunkBytes * LIVE_SHARE,
    )
    const packs = planId === null ? wanted : await sweep.alsoPlanned(planId, wanted)
    await sweep.plan(runId, packs)
    for (const { bytes, liveBytes } of packs) {
      if (liveBytes === 0) {
        sum.packs++
        sum.packBytes += bytes
      } else {
        sum.repacks++
        sum.repackBytes += bytes
        sum.repackLiveBytes += liveBytes
      }
    }
  }
  let unknownObjects = 0
  for await (const page of unknownPacks({ sweep, objects }, project, olderThanMs))
    unknownObjects += page.length
  return { ...sum, unknownObjects }
}

/** Writes what is needed of planned packs into new ones. @returns how many packs that were */
export async function repack(
  { sweep, packs, packing, objects, catalogue }: CollectPorts,
  { runId, project }: { readonly runId: string; readonly project: string },
  signal?: AbortSignal,
): Promise<number> {
  const stop = signal ? { signal } : {}
  let all = 0
  for (;;) {
    const some = groupOf(await sweep.toRepack(runId, PACKS))
    if (some.length === 0) return all
    const ids = some.map(({ id }) => id)
    const pieces = piecesOf(await sweep.onlyThere(runId, ids))
    for await (const { sha256, content, chunks } of packing.packs(pieces, stop)) {
      await objects.write(project, content, { kind: 'packs', sha256, ...stop })
      await catalogue.add(project, { sha256, bytes: content.length, chunks }, objects)
    }
    await sweep.repacked(runId, ids)
    all += some.length
  }

  async function* piecesOf(entries: readonly { sha256: string; bytes: number }[]): AsyncGenerator<Piece> {
    let batch: string[] = []
    let bytes = 0
    const read = async () =>
      (await packs.read(project, batch, stop)).map(({ sha256, content }) => ({
        sha256,
        bytes: content.length,
        from: { content },
      }))
    for (const entry of entries) {
      batch.push(entry.sha256)
      bytes += entry.bytes
      if (bytes < READ_BYTES) continue
      yield* await read()
      batch = []
      bytes = 0
    }
    if (batch.length > 0) yield* await read()
  }
}

/** Removes the rows of doomed packs that nobody has taken up. */
export async function sweepRows(
  { sweep }: Pick<CollectPorts, 'sweep'>,
  collecting: Collecting,
  graceMs: number,
  signal?: AbortSignal,
): Promise<void> {
  while ((await sweep.sweep(collecting, { graceMs, limit: SWEPT })) > 0) signal?.throwIfAborted()
}

/**
 * Removes objects of packs whose rows are gone, and of those that never had one and were not written lately.
 * @returns how many; null where others have to be waited for
 */
export async function removeObjects(
  ports: Pick<CollectPorts, 'sweep' | 'objects' | 'packObjects'>,
  { runId, project }: { readonly runId: string; readonly project: string },
  olderThanMs: number,
  signal?: AbortSignal,
): Promise<number | null> {
  const { sweep, packObjects, objects } = ports
  let all = 0
  for (;;) {
    signal?.throwIfAborted()
    const some = await sweep.toRemove(runId, SWEPT)
    if (some.length === 0) break
    const removed = await packObjects.remove(project, some, objects)
    if (removed === null) return null
    // Those that somebody has brought again meanwhile are done with, too.
    await sweep.removed(runId, some)
    all += removed.length
  }
  for await (const page of unknownPacks(ports, project, olderThanMs)) {
    signal?.throwIfAborted()
    for (let from = 0; from < page.length; from += SWEPT) {
      const removed = await packObjects.remove(project, page.slice(from, from + SWEPT), objects)
      if (removed === null) return null
      all += removed.length
    }
  }
  return all
}

/** Objects that no pack of the catalogue is and that were written before an instant (milliseconds since the epoch). */
async function* unknownPacks(
  { sweep, objects }: Pick<CollectPorts, 'sweep' | 'objects'>,
  project: string,
  olderThanMs: number,
): AsyncGenerator<string[]> {
  let old: string[] = []
  for await (const { uri, modifiedMs } of allObjects(objects, project, 'packs')) {
    if (modifiedMs <= olderThanMs) old.push(sha256OfUri(uri))
    if (old.length < LISTED) continue
    yield await sweep.unknown(project, old)
    old = []
  }
  yield await sweep.unknown(project, old)
}

/** As many packs as make about one new one. */
function groupOf(packs: readonly PlannedPack[]): PlannedPack[] {
  const group: PlannedPack[] = []
  let bytes = 0
  for (const pack of packs) {
    group.push(pack)
    bytes += pack.liveBytes
    if (bytes >= READ_BYTES) break
  }
  return group
}
