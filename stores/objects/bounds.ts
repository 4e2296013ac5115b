import { MlforgeError } from '../../domain/errors.js'
import type { ListOptions } from './object-store.js'
import { sha256OfUri } from './object-uri.js'

/** @throws MlforgeError invalid_request */
export function assertRange(offset: number, bytes: number): void {
  if (isCount(offset) && isCount(bytes)) return
  throw new MlforgeError(
    'invalid_request',
    `${bytes} bytes from ${offset} on are no range of an object: use whole numbers from 0 on.`,
  )
}

/** @throws MlforgeError invalid_request */
export function assertPage({ after, limit }: ListOptions): void {
  if (after !== undefined) sha256OfUri(after)
  if (isCount(limit) && limit > 0) return
  throw new MlforgeError('invalid_request', `A page of ${limit} objects cannot be listed: use 1 or more.`)
}

/** S3 signs for a week at most. @throws MlforgeError invalid_request */
export function assertExpiry(seconds: number): void {
  if (isCount(seconds) && seconds > 0 && seconds <= 604_800) return
  throw new MlforgeError(
    'invalid_request',
    `A presigned address cannot last ${seconds} seconds: use 1 to 604800, which is a week.`,
  )
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
