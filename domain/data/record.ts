import { canonicalJson, type Json } from '../canonical-json.js'
import { MlforgeError } from '../errors.js'

const FORMAT = 1
const utf8 = new TextEncoder()

/** A record as it is hashed and stored: canonical JSON (RFC 8785) in UTF-8. */
export function encodeRecord(record: { readonly t: string }): Uint8Array {
  return utf8.encode(canonicalJson({ v: FORMAT, ...record } as unknown as Json))
}

/**
 * Reads a record.
 * @param kinds that it may be of
 * @returns its members, without the version of the format
 * @throws MlforgeError object_corrupt for what is none, unsupported_format for one of a later version
 */
export function decodeRecord(bytes: Uint8Array, ...kinds: readonly string[]): { readonly t: string } {
  let found: unknown
  try {
    found = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new MlforgeError('object_corrupt', `This is no ${kinds[0]} of a dataset: it is no JSON.`)
  }
  const { v, t, ...members } = (found ?? {}) as { v?: unknown; t?: unknown }
  if (typeof t !== 'string' || !kinds.includes(t)) {
    throw new MlforgeError('object_corrupt', `This is no ${kinds[0]} of a dataset.`)
  }
  if (v === FORMAT) return { t, ...members }
  throw new MlforgeError(
    'unsupported_format',
    `The ${t} is of format version ${JSON.stringify(v)}; this release reads version ${FORMAT}. Read it with a newer release.`,
  )
}
