import { MlforgeError } from '../../domain/errors.js'
import { DeadlineExceeded } from './deadline.js'

/** What the SDK throws, of which the types say less than there is. */
interface ServerError extends Error {
  readonly code?: string
  readonly errors?: readonly Error[]
  readonly $metadata?: { readonly httpStatusCode?: number }
}

export interface BucketName {
  readonly endpoint: string
  readonly bucket: string
}

/** True where the server says that the object or the upload is not there; a missing bucket is something else. */
export function isMissing(error: unknown): boolean {
  // By name: servers answer 404 for a missing bucket and for an unknown user too.
  return ['NoSuchKey', 'NotFound', 'NoSuchUpload'].includes((error as ServerError).name)
}

export function isStatus(error: unknown, status: number): boolean {
  return (error as ServerError).$metadata?.httpStatusCode === status
}

/** The error of a call to the server, as what one can do about it. All but what is ours already is `unavailable`. */
export function serverError(error: unknown, what: string, { endpoint, bucket }: BucketName): Error {
  if (error instanceof MlforgeError) return error
  const why = reason(error as ServerError, endpoint, bucket)
  return new MlforgeError('unavailable', `${what} failed: ${why}`, { bucket, endpoint })
}

const DENIED = [
  'AccessDenied',
  'ExpiredToken',
  'Forbidden',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'XAdminUserNotFound',
]

function reason(error: ServerError, endpoint: string, bucket: string): string {
  const status = error.$metadata?.httpStatusCode
  if (error instanceof DeadlineExceeded) {
    return `${endpoint} gave ${error.message}. See whether the server and the network are well; it is safe to try again.`
  }
  if (error.name === 'NoSuchBucket') {
    return `there is no bucket "${bucket}" at ${endpoint}. Create it, or correct MLFORGE_OBJECTS_S3_BUCKET.`
  }
  if (error.name === 'CredentialsProviderError') {
    return `there are no credentials. Set MLFORGE_OBJECTS_S3_ACCESS_KEY_ID and MLFORGE_OBJECTS_S3_SECRET_ACCESS_KEY, or give the machine a role.`
  }
  if (DENIED.includes(error.name) || status === 401 || status === 403) {
    return `${endpoint} refuses (${status ?? 'no access'} ${error.name}). Check MLFORGE_OBJECTS_S3_ACCESS_KEY_ID and its secret, and that the key may read, write, list and delete in bucket "${bucket}".`
  }
  if (status === 301 || status === 307 || error.name === 'PermanentRedirect') {
    return `bucket "${bucket}" is in another region. Correct MLFORGE_OBJECTS_S3_REGION.`
  }
  if (status !== undefined) {
    return `${endpoint} answered ${status} ${error.name} (${error.message}). It is safe to try again; if it stays, see the log of the server.`
  }
  return `${endpoint} cannot be reached (${networkReason(error)}). See whether the server runs, and MLFORGE_OBJECTS_S3_ENDPOINT; it is safe to try again.`
}

function networkReason(error: ServerError): string {
  // Several addresses that all refuse come as one error without a message of its own.
  return error.errors?.map(({ message }) => message).join('; ') || error.message || error.code || error.name
}
