/**
 * Whether a path with `/` fits a pattern: `*` and `?` stand for characters within a name, `**` for any
 * number of directories. In time that grows with the product of both lengths, whatever the pattern.
 */
export function fitsGlob(path: string, pattern: string): boolean {
  return fitsParts(path.split('/'), pattern.split('/'))
}

/** Whether a pattern reaches into directories below. */
export function isDeep(pattern: string): boolean {
  return pattern.includes('/') || pattern.includes('**')
}

function fitsParts(parts: readonly string[], patterns: readonly string[]): boolean {
  return fits(
    parts,
    patterns,
    pattern => pattern === '**',
    (part, pattern) =>
      fits(
        [...part],
        [...pattern],
        each => each === '*',
        (character, each) => each === '?' || each === character,
      ),
  )
}

/** A list against a list with wildcards that stand for any number of items: the last one is widened on a mismatch. */
function fits(
  items: readonly string[],
  patterns: readonly string[],
  isAny: (pattern: string) => boolean,
  isFit: (item: string, pattern: string) => boolean,
): boolean {
  let [at, of] = [0, 0]
  let wide: { at: number; of: number } | null = null
  while (at < items.length) {
    const pattern = patterns[of]
    if (pattern !== undefined && isAny(pattern)) {
      wide = { at, of }
      of++
    } else if (pattern !== undefined && isFit(items[at]!, pattern)) {
      at++
      of++
    } else if (wide) {
      wide.at++
      ;[at, of] = [wide.at, wide.of + 1]
    } else return false
  }
  return patterns.slice(of).every(isAny)
}
