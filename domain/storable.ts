import type { Json } from './canonical-json.js'

/** NUL, and halves of characters: JSON can hold them, a jsonb column cannot. */
const UNSTORABLE = /\0|\p{Surrogate}/gu

/** The same as JSON writes them. */
const UNSTORABLE_JSON = /\\u(?:0000|d[89a-f])/

/** What is said of a text that is not kept. */
export const NOT_STORABLE = 'It holds a character that cannot be kept: NUL, or half of one.'

/** Whether a text holds nothing that Postgres does not take. */
export function isStorable(text: string): boolean {
  return text.search(UNSTORABLE) === -1
}

/** A text with U+FFFD for each character that Postgres does not take. */
export function storableText(text: string): string {
  return text.replace(UNSTORABLE, '\uFFFD')
}

/** The same for all texts and names of members in a value that comes from outside. */
export function storableJson(value: Json): Json {
  if (typeof value === 'string') return storableText(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return (value as readonly Json[]).map(storableJson)
  return Object.fromEntries(
    Object.entries(value as Readonly<Record<string, Json>>).map(([name, member]) => [
      storableText(name),
      storableJson(member),
    ]),
  )
}

/** The same for what JSON can hold; where there is nothing to replace, it is the value itself. */
export function storable<T extends object>(value: T): T {
  const json = JSON.stringify(value)
  return UNSTORABLE_JSON.test(json) ? (storableJson(JSON.parse(json) as Json) as T) : value
}
