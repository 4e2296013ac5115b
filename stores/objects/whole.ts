import type { ListedObject, ObjectStore } from './object-store.js'
import type { ObjectKind } from './object-uri.js'

/** Objects of one page of a list. */
const LISTED = 1_000

/** All objects of a kind, or those behind one, in order of their uris. */
export async function* allObjects(
  objects: Pick<ObjectStore, 'list'>,
  project: string,
  kind: ObjectKind,
  behind: string | null = null,
): AsyncGenerator<ListedObject> {
  for (let after = behind; ;) {
    const page = await objects.list(project, kind, { limit: LISTED, ...(after ? { after } : {}) })
    if (page.length === 0) return
    yield* page
    after = page.at(-1)!.uri
  }
}

/** The verified content of a small object. @throws MlforgeError object_missing, object_corrupt */
export async function bytesOf(objects: Pick<ObjectStore, 'open'>, uri: string): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of await objects.open(uri)) parts.push(part as Uint8Array)
  return Buffer.concat(parts)
}
