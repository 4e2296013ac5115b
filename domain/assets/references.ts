import type { Json } from '../canonical-json.js'
import type { Partitions } from './definition.js'
import { windowOf } from './windows.js'

/** What parameters may refer to: `${{ partition.key }}`. */
export interface PartitionValues {
  readonly key: string
  /** ISO 8601 in UTC, of partitions of time. */
  readonly start?: string
  readonly end?: string
}

const REFERENCE = /\$\{\{\s*(.*?)\s*\}\}/g

/** What a partition says of itself. */
export function partitionValues(partitions: Partitions | undefined, key: string): PartitionValues {
  const window = partitions?.type === 'time' ? windowOf(partitions, key) : null
  if (!window) return { key }
  return { key, start: new Date(window.start).toISOString(), end: new Date(window.end).toISOString() }
}

/** The texts between `${{` and `}}` in a value. */
export function referencesIn(value: Json): string[] {
  if (typeof value === 'string') return Array.from(value.matchAll(REFERENCE), match => match[1]!)
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(each => referencesIn(each as Json))
}

/** The value with what it refers to put in. Anything unknown stays as it is. */
export function withPartition(value: Json, values: PartitionValues): Json {
  if (typeof value === 'string') {
    return value.replaceAll(REFERENCE, (text, name: string) => {
      const field = name.replace(/^partition\./, '') as keyof PartitionValues
      return name.startsWith('partition.') ? (values[field] ?? text) : text
    })
  }
  if (Array.isArray(value)) return value.map(each => withPartition(each as Json, values))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, withPartition(each as Json, values)]),
  )
}
