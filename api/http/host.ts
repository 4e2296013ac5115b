import { MlforgeError } from '../../domain/errors.js'

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * Refuses names that this server does not go by, so that a web page cannot reach it through a
 * domain that it points at 127.0.0.1 (DNS rebinding).
 * @param allowed host names, with or without a port, besides the loopback names
 */
export function assertHostAllowed(host: string | undefined, allowed: readonly string[]): void {
  const name = (host ?? '').toLowerCase()
  const bare = name.replace(/:\d+$/, '')
  if (
    LOOPBACK.has(bare) ||
    allowed.some(each => each.toLowerCase() === name || each.toLowerCase() === bare)
  ) {
    return
  }
  throw new MlforgeError(
    'host_not_allowed',
    `The Host header "${name.slice(0, 200)}" is not one of this server's names. ` +
      'Use localhost, or add the name to api.allowedHosts in mlforge.yaml.',
  )
}
