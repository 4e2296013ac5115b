import { MlforgeError } from '../errors.js'
import { NAME_PATTERN } from '../names.js'

/** The branch on which versions are made where none is named. */
export const MAIN = 'main'

/** The branch of versions that were made for another one, and are not as expected there. */
export function quarantineOf(branch: string): string {
  return `${branch}.quarantine`
}

/** Which version of a dataset is meant. */
export type VersionSelector =
  | { readonly kind: 'number'; readonly version: number }
  /** The newest of the main branch. */
  | { readonly kind: 'latest' }
  /** What a branch or a tag points at. */
  | { readonly kind: 'ref'; readonly name: string }
  /** The newest of the main branch at an instant, in milliseconds since the epoch. */
  | { readonly kind: 'at'; readonly at: number }

export const SELECTOR_RULE =
  'a number from 1, `latest`, a branch, a tag, or an instant in braces such as {2026-01-31T00:00:00Z}'

const INSTANT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/

/** What follows the `@` of `name@selector`; null for what selects nothing. */
export function parseSelector(text: string): VersionSelector | null {
  if (text === 'latest') return { kind: 'latest' }
  if (/^[1-9]\d{0,8}$/.test(text)) return { kind: 'number', version: Number(text) }
  const instant = /^\{(.*)\}$/.exec(text)?.[1]
  if (instant !== undefined) {
    const at = INSTANT.test(instant) ? Date.parse(instant) : Number.NaN
    return Number.isNaN(at) ? null : { kind: 'at', at }
  }
  return refNameProblem(text) === null ? { kind: 'ref', name: text } : null
}

/**
 * The version that a person or a program names.
 * @throws MlforgeError not_found for what selects nothing
 */
export function selectorOf(named: string | number): VersionSelector {
  const selector = parseSelector(String(named))
  if (selector !== null) return selector
  throw new MlforgeError('not_found', `"${named}" selects no version: give ${SELECTOR_RULE}.`)
}

/** Why a branch or a tag cannot be called so; null where it can. */
export function refNameProblem(name: string): string | null {
  if (!NAME_PATTERN.test(name)) return 'It is no name: use lower-case letters, digits, ".", "_" and "-".'
  if (/^\d+$/.test(name)) return 'It would be taken for the number of a version.'
  return name === 'latest' ? 'It stands for the newest version.' : null
}

/** What is meant, for people. */
export function describeSelector(selector: VersionSelector): string {
  switch (selector.kind) {
    case 'number':
      return `version ${selector.version}`
    case 'latest':
      return 'version on branch "main", whose newest one is `latest`'
    case 'ref':
      return `branch or tag "${selector.name}"`
    case 'at':
      return `version at ${new Date(selector.at).toISOString()}`
  }
}
