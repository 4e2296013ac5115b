import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { S3Bucket } from './s3-bucket.js'

/** Larger content goes up in parts: a part that fails is sent again, and not all of it. */
const PART_BYTES = 8 * 2 ** 20
/** Content that is in memory already goes up whole up to here. */
const WHOLE_BYTES = 64 * 2 ** 20
const MAX_PARTS = 10_000
/** Parts on the way at once: what an upload holds in memory is so many of them. */
const PARALLEL = 3
/** How often an upload is ended until nothing of it is left, and the first time in between, which doubles. */
const ABORTS = 8
const ABORT_AGAIN_MS = 100
/** Metadata of an object that came in parts, of which servers keep no hash of the whole. */
export const HASH_KEY = 'sha256'

export interface Upload {
  readonly uri: string
  readonly sha256: string
  readonly signal: AbortSignal | undefined
}

export const base64 = (sha256: string): string => Buffer.from(sha256, 'hex').toString('base64')

/** One request; the server compares the bytes with the hash before anybody sees them. */
async function putBytes(
  bucket: S3Bucket,
  content: Uint8Array,
  { uri, sha256, signal }: Upload,
): Promise<void> {
  const input = {
    Bucket: bucket.name,
    Key: bucket.keyOf(uri),
    Body: content,
    ContentLength: content.byteLength,
    ChecksumSHA256: base64(sha256),
  }
  await bucket.call({ signal, what: `Writing ${uri}`, bytes: content.byteLength }, (s3, options) =>
    s3.send(new PutObjectCommand(input), options),
  )
}

/** The content of a file, of which never more than a few parts are in memory. */
export async function putFile(
  bucket: S3Bucket,
  file: FileHandle,
  bytes: number,
  upload: Upload,
): Promise<void> {
  if (bytes <= PART_BYTES) return putBytes(bucket, await readPart(file, 0, bytes), upload)
  await multipart(bucket, bytes, upload, (offset, length) => readPart(file, offset, length))
}

/** Content in memory that is too large for one request. */
export async function putLarge(bucket: S3Bucket, content: Uint8Array, upload: Upload): Promise<void> {
  if (content.byteLength <= WHOLE_BYTES) return putBytes(bucket, content, upload)
  await multipart(bucket, content.byteLength, upload, async (offset, length) =>
    content.subarray(offset, offset + length),
  )
}

/** Visible when all parts are there, and not before; what cannot be ended is taken back. */
async function multipart(
  bucket: S3Bucket,
  bytes: number,
  { uri, sha256, signal }: Upload,
  read: (offset: number, length: number) => Promise<Uint8Array>,
): Promise<void> {
  const what = `Writing ${uri}`
  const key = { Bucket: bucket.name, Key: bucket.keyOf(uri) }
  const create = { ...key, Metadata: { [HASH_KEY]: sha256 }, ChecksumAlgorithm: 'SHA256' as const }
  const { UploadId } = await bucket.call({ signal, what }, (s3, options) =>
    s3.send(new CreateMultipartUploadCommand(create), options),
  )
  try {
    const parts = await inParallel(partsOf(bytes), signal, async ({ number, offset, length }, abort) => {
      const Body = await read(offset, length)
      const ChecksumSHA256 = createHash('sha256').update(Body).digest('base64')
      const part = { ...key, UploadId, PartNumber: number, Body, ContentLength: length, ChecksumSHA256 }
      const { ETag } = await bucket.call({ signal: abort, what, bytes: length }, (s3, options) =>
        s3.send(new UploadPartCommand(part), options),
      )
      return { PartNumber: number, ETag, ChecksumSHA256 }
    })
    const input = { ...key, UploadId, MultipartUpload: { Parts: parts } }
    await bucket.call({ signal, what, bytes }, (s3, options) =>
      s3.send(new CompleteMultipartUploadCommand(input), options),
    )
  } catch (error) {
    // Where even this fails, `removeStale` takes it back after a day.
    await takeBack(bucket, { ...key, UploadId }, what).catch(() => undefined)
    throw error
  }
}

/**
 * Ends an upload, and looks that nothing of it is left: a part that the server was still receiving may come after that
 * ("it might be necessary to abort a given multipart upload multiple times", AbortMultipartUpload of the S3 API).
 */
async function takeBack(
  bucket: S3Bucket,
  upload: { readonly Bucket: string; readonly Key: string; readonly UploadId: string | undefined },
  what: string,
): Promise<void> {
  const gone = new Error('gone')
  try {
    for (let tries = 0; tries < ABORTS; tries++) {
      if (tries > 0) await wait(ABORT_AGAIN_MS * 2 ** (tries - 1))
      await bucket.call(
        { what },
        (s3, options) => s3.send(new AbortMultipartUploadCommand(upload), options),
        () => gone,
      )
      await bucket.call(
        { what },
        (s3, options) => s3.send(new ListPartsCommand(upload), options),
        () => gone,
      )
    }
  } catch (error) {
    if (error !== gone) throw error
  }
}

interface Part {
  readonly number: number
  readonly offset: number
  readonly length: number
}

function partsOf(bytes: number): Part[] {
  const length = Math.max(PART_BYTES, Math.ceil(bytes / MAX_PARTS))
  return Array.from({ length: Math.ceil(bytes / length) }, (_, index) => ({
    number: index + 1,
    offset: index * length,
    length: Math.min(length, bytes - index * length),
  }))
}

/** A few at once; the first failure ends the others, and is thrown when all of them have ended. */
async function inParallel<T, R>(
  items: readonly T[],
  signal: AbortSignal | undefined,
  work: (item: T, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const failed = new AbortController()
  const abort = (): void => failed.abort(signal!.reason)
  signal?.addEventListener('abort', abort, { once: true })
  const results: R[] = []
  let next = 0
  const lane = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) results[at] = await work(items[at]!, failed.signal)
  }
  const lanes = Array.from({ length: PARALLEL }, () =>
    lane().catch((error: unknown) => {
      failed.abort(error)
      throw error
    }),
  )
  try {
    await Promise.allSettled(lanes)
    await Promise.all(lanes)
    return results
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

async function readPart(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const part = new Uint8Array(length)
  for (let at = 0; at < length;) {
    const { bytesRead } = await file.read(part, at, length - at, offset + at)
    if (bytesRead === 0) throw new Error(`The temporary file of an upload ends after ${offset + at} bytes.`)
    at += bytesRead
  }
  return part
}
