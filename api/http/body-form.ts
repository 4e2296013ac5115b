import { MlforgeError } from '../../domain/errors.js'

const MAX_LEVELS = 200
/** What turns bodies into objects would leave these out without a word. */
const NOT_TAKEN = ['constructor', 'prototype']

/**
 * The error for a body that parses and still cannot be looked at, or not as a whole: one that is nested too
 * deeply, or has members that would get lost. Null for any other.
 */
export function badForm(body: unknown): MlforgeError | null {
  let level = [body]
  for (let levels = 0; level.length > 0; levels++) {
    if (levels > MAX_LEVELS) return unreadable(`It is nested deeper than ${MAX_LEVELS} levels.`)
    const objects = level.filter(value => typeof value === 'object' && value !== null)
    const name = NOT_TAKEN.find(each => objects.some(object => Object.hasOwn(object, each)))
    if (name !== undefined) return unreadable(`A member "${name}" is not taken; choose another name.`)
    level = objects.flatMap(object => Object.values(object) as unknown[])
  }
  return null
}

function unreadable(message: string): MlforgeError {
  const problems = [{ at: 'body', message }]
  return new MlforgeError('invalid_request', `The body cannot be read. ${message}`, { problems })
}
