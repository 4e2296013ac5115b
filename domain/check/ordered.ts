import { canonicalJson, type Json } from '../canonical-json.js'

/** Items in an order that follows from their content alone. */
export function ordered<T extends object>(items: readonly T[]): T[] {
  const keyed = items.map(item => [canonicalJson(item as unknown as Json), item] as const)
  return keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, item]) => item)
}

/** The same, each content once. */
export function distinct<T extends object>(items: readonly T[]): T[] {
  const byText = new Map(items.map(item => [canonicalJson(item as unknown as Json), item]))
  return ordered([...byText.values()])
}
