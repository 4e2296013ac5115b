import { createHash, randomUUID } from 'node:crypto'
import { chmod, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { MlforgeError } from '../../domain/errors.js'
import { assertExpiry, assertPage, assertRange } from './bounds.js'
import type { NamedFile } from './named-files.js'
import type {
  ListedObject,
  ListOptions,
  ObjectRef,
  ObjectStore,
  PresignedPut,
  RangeOptions,
  WriteOptions,
} from './object-store.js'
import { assertName, isOurs, kindPrefix, type ObjectKind, objectUri, sha256OfUri } from './object-uri.js'
import { assertHash, assertSize, assertWritable, receive } from './receive.js'
import { S3Bucket, type S3Options } from './s3-bucket.js'
import { listKeys, listPage, removeStaleUploads } from './s3-listing.js'
import { openKey, readRange } from './s3-read.js'
import { base64, HASH_KEY, putFile, putLarge } from './s3-upload.js'
import { withSpool } from './spool.js'
import { objectMissing, verified } from './verified.js'

const SIGNED_HEADERS = ['host', 'content-length', 'x-amz-checksum-sha256']

/**
 * Objects in a bucket of S3 or of a server that speaks its language. A key is the hash of its content, known
 * when the last byte has come: streams go to a temporary file first, and from there under their key. (The
 * other way, a temporary key and a copy, costs the server every byte twice, has a limit of 5 GB, and leaves
 * garbage in the bucket when a writer is killed.) Nothing relies on conditional requests: some servers race.
 */
export class S3ObjectStore implements ObjectStore {
  private readonly bucket: S3Bucket

  constructor(
    options: S3Options,
    /** Local directory for temporary files: as large as the uploads at one time. */
    private readonly scratch: string,
  ) {
    this.bucket = new S3Bucket(options)
  }

  async write(
    project: string,
    content: AsyncIterable<Uint8Array> | Uint8Array,
    options: WriteOptions = {},
  ): Promise<ObjectRef> {
    assertWritable(project, options)
    const { kind, signal } = options
    const uploadOf = (sha256: string) => ({ uri: objectUri(project, sha256, kind), sha256, signal })
    if (content instanceof Uint8Array) {
      signal?.throwIfAborted()
      assertSize(content.byteLength, options.maxBytes ?? Infinity)
      const upload = uploadOf(createHash('sha256').update(content).digest('hex'))
      assertHash(upload.sha256, options.sha256)
      await putLarge(this.bucket, content, upload)
      return { uri: upload.uri, sha256: upload.sha256, bytes: content.byteLength }
    }
    return withSpool(this.scratch, async file => {
      const { sha256, bytes } = await receive(file, content, options)
      const upload = uploadOf(sha256)
      await putFile(this.bucket, file, bytes, upload)
      return { uri: upload.uri, sha256, bytes }
    })
  }

  async open(uri: string, { signal }: { signal?: AbortSignal } = {}): Promise<Readable> {
    const sha256 = sha256OfUri(uri)
    const bytes = await openKey(this.bucket, uri, signal)
    return verified(Readable.from(bytes, { objectMode: false }), uri, sha256, signal)
  }

  async range(
    uri: string,
    offset: number,
    bytes: number,
    { signal, into }: RangeOptions = {},
  ): Promise<Uint8Array> {
    sha256OfUri(uri)
    assertRange(offset, bytes)
    if (bytes > 0) {
      // What was given up may still come: it has memory of its own.
      const content = await readRange(this.bucket, uri, offset, bytes, signal)
      into?.set(content)
      return into ?? content
    }
    // There is no way to ask for nothing.
    const size = await this.size(uri)
    if (size === null) throw objectMissing(uri)
    return new Uint8Array(0)
  }

  async size(uri: string): Promise<number | null> {
    return (await this.head(uri))?.ContentLength ?? null
  }

  async checksum(uri: string): Promise<{ bytes: number; sha256: string | null } | null> {
    const head = await this.head(uri)
    if (head === null) return null
    const { ContentLength: bytes = 0, ChecksumSHA256: whole, ETag = '', Metadata } = head
    // Of an object in parts the server knows hashes of the parts: ours then says what was verified on the way.
    const isInParts = /-\d+"?$/.test(ETag) || whole?.includes('-') === true
    if (isInParts) return { bytes, sha256: Metadata?.[HASH_KEY] ?? null }
    return { bytes, sha256: whole === undefined ? null : Buffer.from(whole, 'base64').toString('hex') }
  }

  async list(project: string, kind: ObjectKind, options: ListOptions): Promise<ListedObject[]> {
    assertPage(options)
    return listPage(this.bucket, kindPrefix(project, kind), options)
  }

  async toFile(uri: string, directory: string): Promise<string> {
    const path = join(directory, sha256OfUri(uri))
    const temporary = `${path}.${randomUUID()}`
    const content = await this.open(uri)
    try {
      const file = await open(temporary, 'wx', 0o600)
      await pipeline(content, file.createWriteStream())
      await chmod(temporary, 0o444)
      await rename(temporary, path)
      return path
    } catch (error) {
      content.destroy()
      await rm(temporary, { force: true })
      throw error
    }
  }

  async remove(uri: string): Promise<void> {
    sha256OfUri(uri)
    const input = { Bucket: this.bucket.name, Key: this.bucket.keyOf(uri) }
    await this.bucket.call({ what: `Removing ${uri}` }, (s3, options) =>
      s3.send(new DeleteObjectCommand(input), options),
    )
  }

  async presignPut(
    uri: string,
    { bytes, expiresSeconds }: { bytes: number; expiresSeconds: number },
  ): Promise<PresignedPut> {
    const checksum = base64(sha256OfUri(uri))
    assertRange(0, bytes)
    assertExpiry(expiresSeconds)
    const input = {
      Bucket: this.bucket.name,
      Key: this.bucket.keyOf(uri),
      ContentLength: bytes,
      ChecksumSHA256: checksum,
    }
    const url = await this.bucket.sign(`Signing for ${uri}`, s3 =>
      getSignedUrl(s3, new PutObjectCommand(input), {
        expiresIn: expiresSeconds,
        // In the address it would be no header of the request, and servers look at headers.
        unhoistableHeaders: new Set(['x-amz-checksum-sha256']),
        signableHeaders: new Set(SIGNED_HEADERS),
      }),
    )
    return { url, headers: { 'content-length': String(bytes), 'x-amz-checksum-sha256': checksum } }
  }

  async presignGet(uri: string, { expiresSeconds }: { expiresSeconds: number }): Promise<string> {
    sha256OfUri(uri)
    assertExpiry(expiresSeconds)
    const input = { Bucket: this.bucket.name, Key: this.bucket.keyOf(uri) }
    return this.bucket.sign(`Signing for ${uri}`, s3 =>
      getSignedUrl(s3, new GetObjectCommand(input), { expiresIn: expiresSeconds }),
    )
  }

  async named(project: string, prefix: string, limit: number): Promise<NamedFile[]> {
    const path = assertName(project, prefix)
    const found: NamedFile[] = []
    let seen = 0
    for await (const { uri, bytes, modifiedMs } of listKeys(this.bucket, path, undefined)) {
      const name = uri.slice(project.length + 1)
      if (++seen > limit) {
        throw new MlforgeError(
          'source_unavailable',
          `There are more than ${limit} objects below ${path}. Watch a part of it, or move away what is done with.`,
        )
      }
      // Some clients put empty objects where directories would be.
      if (!name.endsWith('/') && !isOurs(name)) {
        found.push({ name, bytes, modifiedMs, changedMs: modifiedMs })
      }
    }
    return found
  }

  async adopt(project: string, name: string): Promise<ObjectRef> {
    return this.write(project, await openKey(this.bucket, assertName(project, name), undefined))
  }

  async removeStale(now: number): Promise<number> {
    return removeStaleUploads(this.bucket, now)
  }

  async assertUsable(): Promise<void> {
    await this.bucket.probe()
  }

  private async head(uri: string): Promise<HeadObjectCommandOutput | null> {
    sha256OfUri(uri)
    const input = { Bucket: this.bucket.name, Key: this.bucket.keyOf(uri), ChecksumMode: 'ENABLED' as const }
    const missing = objectMissing(uri)
    try {
      return await this.bucket.call(
        { what: `Looking at ${uri}` },
        (s3, options) => s3.send(new HeadObjectCommand(input), options),
        () => missing,
      )
    } catch (error) {
      if (error !== missing) throw error
      await this.bucket.assertExists()
      return null
    }
  }
}
