import { createReadStream } from 'node:fs'
import type { ContentRef } from '../contracts/temporal/messages.js'
import { canonicalJson, type Json } from '../domain/canonical-json.js'
import type { ObjectStore } from '../stores/objects/object-store.js'
import { bytesOf } from '../stores/objects/whole.js'

/** Stores a local file. */
export async function writeFile(objects: ObjectStore, project: string, file: string): Promise<ContentRef> {
  return objects.write(project, createReadStream(file))
}

/**
 * Stores a file of a table: a collection removes it unless a row names it, so `assertTableObjects` comes in the
 * transaction that writes the row.
 */
export async function writeTableFile(
  objects: ObjectStore,
  project: string,
  file: string,
): Promise<ContentRef> {
  return objects.write(project, createReadStream(file), { kind: 'table-data' })
}

/** Stores a value as canonical JSON, so that equal values are one object. */
export async function json(objects: ObjectStore, project: string, value: Json): Promise<ContentRef> {
  return objects.write(project, Buffer.from(canonicalJson(value)))
}

/** Stores a value that says something of the rows of a table, which goes when the table does: see `writeTableFile`. */
export async function tableJson(objects: ObjectStore, project: string, value: Json): Promise<ContentRef> {
  return objects.write(project, Buffer.from(canonicalJson(value)), { kind: 'table-data' })
}

/** Reads back what `json` or `tableJson` has stored. */
export async function readJson<T>(objects: ObjectStore, uri: string): Promise<T> {
  return JSON.parse((await bytesOf(objects, uri)).toString()) as T
}
