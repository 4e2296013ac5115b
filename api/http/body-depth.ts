import { MlforgeError } from '../../domain/errors.js'

const MAX_LEVELS = 200

/**
 * The error for a body that what looks at it level by level could not look at; null for any other. (The
 * parser itself has no limit.)
 */
export function tooDeep(body: unknown): MlforgeError | null {
  let level = [body]
  for (let levels = 0; level.length > 0; levels++) {
    if (levels > MAX_LEVELS) {
      const message = `It is nested deeper than ${MAX_LEVELS} levels.`
      return new MlforgeError('invalid_request', `The body cannot be read. ${message}`, {
        problems: [{ at: 'body', message }],
      })
    }
    level = level.flatMap(value =>
      typeof value === 'object' && value !== null ? Object.values(value as Record<string, unknown>) : [],
    )
  }
  return null
}
