import { createReadStream } from 'node:fs'
import type { ContentRef } from '../contracts/temporal/messages.js'
import { canonicalJson, type Json } from '../domain/canonical-json.js'
import type { ObjectStore } from '../stores/objects/object-store.js'

/** Stores a local file. */
export async function writeFile(objects: ObjectStore, project: string, file: string): Promise<ContentRef> {
  return objects.write(project, createReadStream(file))
}

/** Stores a value as canonical JSON, so that equal values are one object. */
export async function json(objects: ObjectStore, project: string, value: Json): Promise<ContentRef> {
  return objects.write(project, Buffer.from(canonicalJson(value)))
}

/** Reads back what `json` has stored. */
export async function readJson<T>(objects: ObjectStore, uri: string): Promise<T> {
  const chunks: Uint8Array[] = []
  for await (const chunk of await objects.open(uri)) chunks.push(chunk as Uint8Array)
  return JSON.parse(Buffer.concat(chunks).toString()) as T
}
