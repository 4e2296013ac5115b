import { Readable } from 'node:stream'
import { applyDecorators } from '@nestjs/common'
import { ApiOkResponse, ApiProduces } from '@nestjs/swagger'
import type { FastifyReply } from 'fastify'
import type { Artifact } from '../../contracts/rest/common.js'
import type { ContentRef } from '../../contracts/temporal/messages.js'
import { MlforgeError } from '../../domain/errors.js'
import { didYouMean } from '../../domain/suggest.js'
import type { ObjectStore } from '../../stores/objects/object-store.js'

const TYPES: Readonly<Record<string, string>> = {
  csv: 'text/csv; charset=utf-8',
  html: 'text/html; charset=utf-8',
  json: 'application/json',
  jsonl: 'application/x-ndjson',
  parquet: 'application/vnd.apache.parquet',
}

/** Artifacts as answers list them; `path` is the address below which they are downloaded. */
export function artifactViews(path: string, refs: Readonly<Record<string, ContentRef>>): Artifact[] {
  return Object.entries(refs).map(([name, { bytes, sha256 }]) => ({
    name,
    bytes,
    sha256,
    contentType: contentType(name),
    href: `${path}/artifacts/${encodeURIComponent(name)}`,
  }))
}

/** The artifact of that name. @throws MlforgeError not_found with the names there are */
export function artifactNamed(refs: Readonly<Record<string, ContentRef>>, name: string): ContentRef {
  const ref = Object.hasOwn(refs, name) ? refs[name] : undefined
  if (ref) return ref
  const names = Object.keys(refs)
  const list = names.length === 0 ? 'There are none yet.' : `There are: ${names.join(', ')}.`
  throw new MlforgeError(
    'not_found',
    `There is no artifact "${name}" here.${didYouMean(name, names)} ${list}`,
  )
}

/**
 * Sends an object while it is read and verified. Content that turns out corrupt is answered with
 * `object_corrupt`, or, where it had begun, is cut off short of its Content-Length.
 * @param headers that are other than a download's
 */
export async function sendArtifact(
  reply: FastifyReply,
  objects: ObjectStore,
  name: string,
  ref: ContentRef,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const etag = `"${ref.sha256}"`
  void reply
    .header('etag', etag)
    .header('cache-control', 'private, max-age=31536000, immutable')
    .header('content-disposition', attachmentOf(name))
    .headers(headers)
  if (reply.request.headers['if-none-match'] === etag) return void reply.status(304).send()
  const content = Readable.from(lastChunkAtTheEnd(await objects.open(ref.uri)), { objectMode: false })
  void reply
    .header('content-type', contentType(name))
    .header('content-length', String(ref.bytes))
    .send(content)
}

/** Holds the last bytes back until the source has ended well: only then is the hash known to be right. */
async function* lastChunkAtTheEnd(source: Readable): AsyncGenerator<Uint8Array> {
  let held: Uint8Array | undefined
  for await (const chunk of source) {
    if (held) yield held
    held = chunk as Uint8Array
  }
  if (held) yield held
}

/** Documents a download. */
export const ApiDownload = () =>
  applyDecorators(
    ApiProduces('application/octet-stream'),
    ApiOkResponse({ schema: { type: 'string', format: 'binary' }, description: 'ETag is the SHA-256' }),
  )

/** Names that a header cannot hold as they are get the form of RFC 6266 that can. */
function attachmentOf(name: string): string {
  if (/^[\w .,@+=-]+$/.test(name)) return `attachment; filename="${name}"`
  const encoded = encodeURIComponent(name).replace(/['()*]/g, c => `%${c.charCodeAt(0).toString(16)}`)
  return `attachment; filename*=UTF-8''${encoded}`
}

function contentType(name: string): string {
  return TYPES[name.split('.').pop()!] ?? 'application/octet-stream'
}
