import { MlforgeError } from '../../domain/errors.js'

const PROJECT = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/
const URI = /^([A-Za-z0-9][A-Za-z0-9_-]{0,99})\/sha256\/([0-9a-f]{2})\/([0-9a-f]{64})$/

/** The uri of content with this hash. @throws MlforgeError invalid_request for a project that is no plain name. */
export function objectUri(project: string, sha256: string): string {
  if (!PROJECT.test(project)) {
    throw new MlforgeError(
      'invalid_request',
      `"${project}" is not a project name: use letters, digits, - and _.`,
    )
  }
  return `${project}/sha256/${sha256.slice(0, 2)}/${sha256}`
}

/**
 * The hash a uri names. Every uri passes here before it becomes a path or a key, so `..`, absolute
 * paths and foreign keys never reach a store.
 * @throws MlforgeError invalid_request
 */
export function sha256OfUri(uri: string): string {
  const match = URI.exec(uri)
  if (match === null || !match[3]!.startsWith(match[2]!)) {
    throw new MlforgeError(
      'invalid_request',
      `"${uri}" is not an object uri: expected <project>/sha256/<aa>/<hex> as a write returned it.`,
    )
  }
  return match[3]!
}

/**
 * Where something that others have named is, below the root of a store: within its project, and not among
 * what is named by its content.
 * @throws MlforgeError invalid_request
 */
export function assertName(project: string, name: string): string {
  const parts = name.replace(/\/$/, '').split('/')
  const isPlain = parts.every(part => part !== '' && part !== '.' && part !== '..' && !/[\\\0]/.test(part))
  if (PROJECT.test(project) && isPlain && parts[0] !== 'sha256') return `${project}/${name}`
  throw new MlforgeError(
    'invalid_request',
    `"${name}" is not a name in project "${project}": use a relative path that does not begin with "sha256/".`,
  )
}
