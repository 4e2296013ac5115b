import { MlforgeError } from '../../domain/errors.js'

/** What a project keeps under names that are hashes; each has a prefix of its own, so that it can be walked through. */
export const OBJECT_KINDS = ['sha256', 'table-data', 'packs', 'commits', 'refs', 'definitions'] as const
export type ObjectKind = (typeof OBJECT_KINDS)[number]

const PROJECT = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/
const SHA256 = /^[0-9a-f]{64}$/
const URI = new RegExp(
  `^([A-Za-z0-9][A-Za-z0-9_-]{0,99})/(${OBJECT_KINDS.join('|')})/([0-9a-f]{2})/([0-9a-f]{64})$`,
)

/** The uri of content with this hash. @throws MlforgeError invalid_request for a project that is no plain name. */
export function objectUri(project: string, sha256: string, kind: ObjectKind = 'sha256'): string {
  return `${kindPrefix(project, kind)}${assertSha256(sha256).slice(0, 2)}/${sha256}`
}

/** What the uris of a kind begin with, `/` at the end. @throws MlforgeError invalid_request */
export function kindPrefix(project: string, kind: ObjectKind): string {
  if (!PROJECT.test(project)) {
    throw new MlforgeError(
      'invalid_request',
      `"${project}" is not a project name: use letters, digits, - and _.`,
    )
  }
  if (OBJECT_KINDS.includes(kind)) return `${project}/${kind}/`
  throw new MlforgeError(
    'invalid_request',
    `"${String(kind)}" is not a kind of objects: use ${OBJECT_KINDS.join(', ')}.`,
  )
}

/** @throws MlforgeError invalid_request for what is not 64 hexadecimal digits in lower case */
export function assertSha256(sha256: string): string {
  if (SHA256.test(sha256)) return sha256
  throw new MlforgeError(
    'invalid_request',
    `"${sha256}" is not a SHA-256: expected 64 hexadecimal digits in lower case.`,
  )
}

/** The parts of a uri; null for what is none. */
export function parseObjectUri(uri: string): { project: string; kind: ObjectKind; sha256: string } | null {
  const match = URI.exec(uri)
  if (match === null || !match[4]!.startsWith(match[3]!)) return null
  return { project: match[1]!, kind: match[2] as ObjectKind, sha256: match[4]! }
}

/**
 * The hash a uri names. Every uri passes here before it becomes a path or a key, so `..`, absolute
 * paths and foreign keys never reach a store.
 * @throws MlforgeError invalid_request
 */
export function sha256OfUri(uri: string): string {
  const parsed = parseObjectUri(uri)
  if (parsed !== null) return parsed.sha256
  throw new MlforgeError(
    'invalid_request',
    `"${uri}" is not an object uri: expected <project>/<${OBJECT_KINDS.join('|')}>/<aa>/<hex> as a write returned it.`,
  )
}

/**
 * Where something that others have named is, below the root of a store: within its project, and not among
 * what is named by its content.
 * @throws MlforgeError invalid_request
 */
export function assertName(project: string, name: string): string {
  const parts = name.replace(/\/$/, '').split('/')
  const isPlain = parts.every(part => part !== '' && part !== '.' && part !== '..' && !/[\\\0]/.test(part))
  if (PROJECT.test(project) && isPlain && !isOurs(name)) return `${project}/${name}`
  throw new MlforgeError(
    'invalid_request',
    `"${name}" is not a name in project "${project}": use a relative path that does not begin with ${OBJECT_KINDS.map(kind => `"${kind}/"`).join(', ')}.`,
  )
}

/** True for a name within a project that is among what is named by its content. */
export function isOurs(name: string): boolean {
  return (OBJECT_KINDS as readonly string[]).includes(name.split('/')[0]!)
}
