import type { Readable } from 'node:stream'
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3'
import { withDeadline } from './deadline.js'
import type { S3Bucket } from './s3-bucket.js'
import { isStatus, serverError } from './s3-errors.js'
import { objectMissing, tooShort } from './verified.js'

/** How long no byte may come while one is waited for. */
const IDLE_MS = 30_000
const RESUMES = 3

/**
 * The bytes at a key. A connection that breaks is taken up where it ended, so that a large object does not have
 * to be read from its beginning; the hash of the whole says whether all fits together.
 */
export async function openKey(
  bucket: S3Bucket,
  uri: string,
  signal: AbortSignal | undefined,
): Promise<AsyncGenerator<Uint8Array>> {
  return resumed(bucket, uri, await get(bucket, uri, signal), signal)
}

async function* resumed(
  bucket: S3Bucket,
  uri: string,
  first: GetObjectCommandOutput,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const { ContentLength: size, ETag } = first
  let at = 0
  let failures = 0
  let body = first.Body as Readable
  try {
    let chunks = chunksOf(body)
    for (;;) {
      let next: IteratorResult<Uint8Array, unknown>
      try {
        next = await withDeadline(IDLE_MS, signal, () => chunks.next())
        if (next.done === true && size !== undefined && at < size) {
          throw new Error(`the connection ended after ${at} of ${size} bytes`)
        }
      } catch (error) {
        signal?.throwIfAborted()
        if (at === size) return
        if (++failures > RESUMES) throw serverError(error, `Reading ${uri}`, bucket.asked)
        body.destroy()
        // Under a name that others have given there may be another content by now: the parts would not belong together.
        const rest = { Range: `bytes=${at}-`, ...(ETag === undefined ? {} : { IfMatch: ETag }) }
        body = (await get(bucket, uri, signal, rest)).Body as Readable
        chunks = chunksOf(body)
        continue
      }
      if (next.done === true) return
      at += next.value.byteLength
      failures = 0
      yield next.value
    }
  } finally {
    body.destroy()
  }
}

function chunksOf(body: Readable): AsyncIterator<Uint8Array, unknown> {
  return body[Symbol.asyncIterator]()
}

/** Exactly these bytes, which are at least one. @throws MlforgeError object_missing, object_corrupt, unavailable */
export async function readRange(
  bucket: S3Bucket,
  uri: string,
  offset: number,
  bytes: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const end = offset + bytes
  const what = { signal, what: `Reading ${uri}`, bytes }
  return bucket.call(
    what,
    async (s3, options) => {
      const asked = { Bucket: bucket.name, Key: bucket.keyOf(uri), Range: `bytes=${offset}-${end - 1}` }
      const answer = await s3.send(new GetObjectCommand(asked), options).catch((error: unknown) => {
        throw isStatus(error, 416) ? tooShort(uri, end, offset) : error
      })
      // A server that does not know ranges sends everything.
      if (answer.ContentLength !== bytes) {
        ;(answer.Body as Readable).destroy()
        if ((answer.ContentLength ?? 0) < bytes)
          throw tooShort(uri, end, offset + (answer.ContentLength ?? 0))
        throw new Error(`it sent ${answer.ContentLength} bytes where ${bytes} were asked for`)
      }
      const content = new Uint8Array(bytes)
      let at = 0
      for await (const chunk of answer.Body as AsyncIterable<Uint8Array>) {
        content.set(chunk, at)
        at += chunk.byteLength
      }
      if (at !== bytes) throw new Error(`it ended after ${at} of ${bytes} bytes`)
      return content
    },
    () => objectMissing(uri),
  )
}

function get(
  bucket: S3Bucket,
  uri: string,
  signal: AbortSignal | undefined,
  rest: { readonly Range?: string; readonly IfMatch?: string } = {},
): Promise<GetObjectCommandOutput> {
  const asked = { Bucket: bucket.name, Key: bucket.keyOf(uri), ...rest }
  return bucket.call(
    { signal, what: `Reading ${uri}` },
    (s3, options) => s3.send(new GetObjectCommand(asked), options),
    () => objectMissing(uri),
  )
}
