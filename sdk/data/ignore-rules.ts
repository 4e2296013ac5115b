import ignore, { type Ignore } from 'ignore'

/** Rules of one directory in the syntax of `.gitignore`, for paths within it. */
export interface IgnoreRules {
  /** Its path, with `/` behind it; empty for the root. */
  readonly base: string
  readonly rules: Ignore
}

export function ignoreRules(base: string, text: string): IgnoreRules {
  return { base, rules: ignore().add(text) }
}

/**
 * The rules nearest to a path that have a word on it decide.
 * @param path relative to the root, with `/` behind that of a directory
 */
export function isIgnored(path: string, nearestFirst: readonly IgnoreRules[]): boolean {
  for (const { base, rules } of nearestFirst) {
    const { ignored, unignored } = rules.test(path.slice(base.length))
    if (ignored || unignored) return ignored
  }
  return false
}
