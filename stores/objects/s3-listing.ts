import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
} from '@aws-sdk/client-s3'
import type { ListedObject, ListOptions } from './object-store.js'
import { parseObjectUri } from './object-uri.js'
import type { S3Bucket } from './s3-bucket.js'

const DAY = 86_400_000
const PAGE = 1000

/** Everything whose name has the prefix and comes after `after`, in the order of the names, page by page. */
export async function* listKeys(
  bucket: S3Bucket,
  prefix: string,
  after: string | undefined,
  atOnce = PAGE,
): AsyncGenerator<ListedObject> {
  let token: string | undefined
  do {
    const input = {
      Bucket: bucket.name,
      Prefix: bucket.keyOf(prefix),
      MaxKeys: Math.min(atOnce, PAGE),
      ...(token !== undefined ? { ContinuationToken: token } : {}),
      ...(token === undefined && after !== undefined ? { StartAfter: bucket.keyOf(after) } : {}),
    }
    const page: ListObjectsV2CommandOutput = await bucket.call({ what: `Listing ${prefix}` }, (s3, options) =>
      s3.send(new ListObjectsV2Command(input), options),
    )
    for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
      yield { uri: Key.slice(bucket.prefix.length), bytes: Size, modifiedMs: LastModified?.getTime() ?? 0 }
    }
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined
  } while (token !== undefined)
}

export async function listPage(
  bucket: S3Bucket,
  prefix: string,
  { after, limit }: ListOptions,
): Promise<ListedObject[]> {
  const found: ListedObject[] = []
  for await (const object of listKeys(bucket, prefix, after, limit)) {
    if (parseObjectUri(object.uri) !== null) found.push(object)
    if (found.length === limit) break
  }
  return found
}

/** Takes back uploads in parts that nobody has ended within a day; only those of objects of ours. */
export async function removeStaleUploads(bucket: S3Bucket, now: number): Promise<number> {
  const what = 'Removing uploads that were not ended'
  const asked = { Bucket: bucket.name, Prefix: bucket.prefix }
  let markers: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } | undefined = {}
  let removed = 0
  while (markers !== undefined) {
    const input = { ...asked, ...markers }
    const page: ListMultipartUploadsCommandOutput = await bucket.call({ what }, (s3, options) =>
      s3.send(new ListMultipartUploadsCommand(input), options),
    )
    for (const { Key = '', UploadId, Initiated } of page.Uploads ?? []) {
      const isOurs = parseObjectUri(Key.slice(bucket.prefix.length)) !== null
      if (!isOurs || Initiated === undefined || now - Initiated.getTime() < DAY) continue
      const upload = { Bucket: bucket.name, Key, UploadId }
      const isGone = await bucket
        .call(
          { what },
          (s3, options) => s3.send(new AbortMultipartUploadCommand(upload), options),
          () => new Gone(),
        )
        .then(
          () => false,
          error => {
            if (error instanceof Gone) return true
            throw error
          },
        )
      if (!isGone) removed++
    }
    markers =
      page.IsTruncated === true
        ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
        : undefined
  }
  return removed
}

/** Ended by another one in the meantime. */
class Gone extends Error {}
