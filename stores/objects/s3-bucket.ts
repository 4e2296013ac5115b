import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { withDeadline } from './deadline.js'
import { isMissing, serverError } from './s3-errors.js'

export interface S3Options {
  /** Empty: that of AWS in the region. */
  readonly endpoint: string
  readonly region: string
  readonly bucket: string
  /** What all keys begin with: empty, or ending with `/`. */
  readonly prefix: string
  /** Empty: found as the AWS SDK does it, such as the role of the machine. */
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** The bucket in the path instead of the host name, as MinIO, Ceph and VersityGW need it. */
  readonly forcePathStyle: boolean
  /** Whether the SDK sends checksums that the request does not need; there are servers that refuse them. */
  readonly checksums: 'when_supported' | 'when_required'
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /** What is done, for messages: `Reading default/sha256/…`. */
  readonly what: string
  /** Bytes that go with it: so much longer it may take. */
  readonly bytes?: number
  /** Another deadline than the usual one. */
  readonly ms?: number
}

const CONNECT_MS = 5_000
const CALL_MS = 30_000
/** The slowest network on which a call is not given up: 128 KiB/s. */
const BYTES_PER_MS = 128
const ATTEMPTS = 4
const MAX_MS = 3_600_000
/** Of a look at whether it is there at all. */
const PROBE_MS = 5_000
// Each object that somebody reads slowly has one.
const SOCKETS = { maxSockets: 256 }

/** The one place from which S3 is called: every call has a deadline, bounded retries and an error that says what to do. */
export class S3Bucket {
  private readonly client: S3Client
  readonly name: string
  readonly prefix: string
  readonly endpoint: string
  private seen = false

  constructor(options: S3Options) {
    const { endpoint, region, accessKeyId, secretAccessKey, forcePathStyle, checksums } = options
    this.name = options.bucket
    this.prefix = options.prefix
    this.endpoint = endpoint === '' ? `S3 in ${region}` : endpoint
    this.client = new S3Client({
      region,
      forcePathStyle,
      maxAttempts: ATTEMPTS,
      requestChecksumCalculation: checksums === 'when_supported' ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED',
      // What is read is compared with the hash in its name.
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: {
        connectionTimeout: CONNECT_MS,
        httpAgent: SOCKETS,
        httpsAgent: SOCKETS,
      },
      ...(endpoint === '' ? {} : { endpoint }),
      ...(accessKeyId === '' ? {} : { credentials: { accessKeyId, secretAccessKey } }),
    })
  }

  keyOf(uri: string): string {
    return this.prefix + uri
  }

  /** @throws MlforgeError unavailable; the reason of the signal; `missing` where that is what the server says */
  async call<T>(
    { signal, what, bytes = 0, ms = CALL_MS }: CallOptions,
    send: (client: S3Client, options: { abortSignal: AbortSignal }) => Promise<T>,
    missing?: () => Error,
  ): Promise<T> {
    try {
      const answer = await withDeadline(Math.min(ms + bytes / BYTES_PER_MS, MAX_MS), signal, abortSignal =>
        send(this.client, { abortSignal }),
      )
      this.seen = true
      return answer
    } catch (error) {
      signal?.throwIfAborted()
      if (missing !== undefined && isMissing(error)) throw missing()
      throw serverError(error, what, this.asked)
    }
  }

  /** Work that needs the credentials only: the server is not asked. */
  async sign<T>(what: string, work: (client: S3Client) => Promise<T>): Promise<T> {
    try {
      return await withDeadline(CALL_MS, undefined, () => work(this.client))
    } catch (error) {
      throw serverError(error, what, this.asked)
    }
  }

  /** Where HEAD finds nothing it does not say whether it is the object or the whole bucket that is missing. */
  async assertExists(signal?: AbortSignal): Promise<void> {
    if (!this.seen) await this.probe(signal)
  }

  /** @throws MlforgeError unavailable: says what is wrong with the server, the bucket or the key to it */
  async probe(signal?: AbortSignal): Promise<void> {
    // HEAD would have no body that says what is wrong.
    const asked = { Bucket: this.name, Prefix: this.prefix, MaxKeys: 1 }
    await this.call({ signal, ms: PROBE_MS, what: `Looking at bucket "${this.name}"` }, (s3, options) =>
      s3.send(new ListObjectsV2Command(asked), options),
    )
  }

  get asked(): { endpoint: string; bucket: string } {
    return { endpoint: this.endpoint, bucket: this.name }
  }
}
