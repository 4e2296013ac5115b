import type { ContentRef } from '../../contracts/temporal/messages.js'
import { MAP_PAGE } from '../../contracts/temporal/pipelines.js'
import type { Json } from '../../domain/canonical-json.js'
import { json, readJson } from '../objects.js'
import type { Ports } from '../ports.js'

/** Pages are read by every item of theirs. */
const KEPT = 8
const kept = new Map<string, Promise<unknown>>()

/** Keeps items as pages, each an object, and the list of these as another one. */
export async function writeItems(
  objects: Ports['objects'],
  project: string,
  items: readonly Json[],
): Promise<ContentRef> {
  const pages: ContentRef[] = []
  for (let from = 0; from < items.length; from += MAP_PAGE) {
    pages.push(await json(objects, project, items.slice(from, from + MAP_PAGE)))
  }
  return json(objects, project, pages as unknown as Json)
}

/** An item by its position. */
export async function itemAt(
  objects: Ports['objects'],
  { index, pages }: { readonly index: number; readonly pages: string },
): Promise<Json> {
  const list = await read<readonly ContentRef[]>(objects, pages)
  const page = await read<readonly Json[]>(objects, list[Math.floor(index / MAP_PAGE)]!.uri)
  return page[index % MAP_PAGE]!
}

/** Objects are immutable: the last ones are kept at hand. */
function read<T>(objects: Ports['objects'], uri: string): Promise<T> {
  const known = kept.get(uri) ?? readJson<T>(objects, uri)
  kept.delete(uri)
  kept.set(uri, known)
  known.catch(() => kept.delete(uri))
  for (const oldest of kept.keys()) {
    if (kept.size <= KEPT) break
    kept.delete(oldest)
  }
  return known as Promise<T>
}
