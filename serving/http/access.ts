import type { IncomingHttpHeaders } from 'node:http'
import { MlforgeError } from '../../domain/errors.js'

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * Refuses names that this server does not go by, so that a web page cannot reach it through a domain
 * that it points at 127.0.0.1 (DNS rebinding).
 */
export function assertHostAllowed(host: string | undefined, allowed: readonly string[]): void {
  const name = (host ?? '').toLowerCase()
  const bare = name.replace(/:\d+$/, '')
  if (LOOPBACK.has(bare)) return
  if (allowed.some(each => each.toLowerCase() === name || each.toLowerCase() === bare)) return
  throw new MlforgeError(
    'host_not_allowed',
    `The Host header "${name.slice(0, 200)}" is not one of this server's names. ` +
      'Use localhost, or add the name to api.allowedHosts in mlforge.yaml.',
  )
}

/** The key that a request brings, in either of the two headers. */
export function presentedKey(headers: IncomingHttpHeaders): string | undefined {
  const bearer = headers.authorization && /^Bearer +(\S+) *$/i.exec(headers.authorization)?.[1]
  const header = headers['x-api-key']
  return bearer || (typeof header === 'string' && header !== '' ? header : undefined)
}

/**
 * The version that a request pins, by its path or by the header `Mlforge-Version`; undefined for none.
 * @throws MlforgeError invalid_request for what is no version number, or for two different ones
 */
export function pinnedVersion(inPath: string | undefined, headers: IncomingHttpHeaders): number | undefined {
  const header = headers['mlforge-version']
  const given = inPath ?? (typeof header === 'string' ? header : undefined)
  if (given === undefined) return undefined
  if (!/^[1-9]\d{0,8}$/.test(given)) {
    throw new MlforgeError(
      'invalid_request',
      `"${given.slice(0, 100)}" is no version: it is a number of 1 or more.`,
    )
  }
  if (header !== undefined && header !== given) {
    throw new MlforgeError(
      'invalid_request',
      `The path asks for version ${given} and the header Mlforge-Version for another. Send one of them.`,
    )
  }
  return Number(given)
}
