/** The first places where two states differ, for people; empty where they are equal. */
export function differences(expected: unknown, found: unknown, at = ''): string[] {
  if (JSON.stringify(expected) === JSON.stringify(found)) return []
  if (typeof expected !== 'object' || typeof found !== 'object' || expected === null || found === null) {
    return [`${at}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`]
  }
  const keys = [...new Set([...Object.keys(expected), ...Object.keys(found)])]
  const of = (value: object, key: string): unknown => (value as Record<string, unknown>)[key]
  return keys
    .flatMap(key => differences(of(expected, key), of(found, key), at === '' ? key : `${at}.${key}`))
    .slice(0, 10)
}
