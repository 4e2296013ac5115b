import type { AssetDefinition } from './definition.js'
import { usualMapping } from './partitions.js'

/** Why partitions of an asset cannot rest on those of one it needs in the way that is asked for; null where they can. */
export function mappingProblem(asset: AssetDefinition, need: AssetDefinition): string | null {
  const [own, other] = [asset.partitions, need.partitions]
  const named = asset.mappings?.[need.name]
  const mapping = named ?? usualMapping(own, other)
  if (mapping === null) {
    return `Its partitions are of type ${own?.type}, those of "${need.name}" of type ${other?.type}: name the mapping "all", or part both alike.`
  }
  if (named && !other && named.type !== 'all') {
    return `"${need.name}" has no partitions: the mapping "${named.type}" has nothing to choose from.`
  }
  if (!other || mapping.type === 'all') return null
  if (!own) return `It has no partitions: only the mapping "all" can be, not "${mapping.type}".`
  if (mapping.type === 'window') {
    if (own.type !== 'time' || other.type !== 'time') {
      return 'The mapping "window" needs partitions of time on both sides.'
    }
    return mapping.startOffset > mapping.endOffset
      ? `The window is empty: its start is moved by ${mapping.startOffset}, its end by ${mapping.endOffset}.`
      : null
  }
  if (own.type !== other.type && (own.type === 'time' || other.type === 'time')) {
    return `The mapping "same" needs keys of one kind, and these are of type ${own.type} and ${other.type}.`
  }
  if (own.type === 'time' && other.type === 'time') {
    if (own.unit !== other.unit || own.timeZone !== other.timeZone) {
      return `The mapping "same" needs the same windows, and these are by ${own.unit} in ${own.timeZone} and by ${other.unit} in ${other.timeZone}. Use "window".`
    }
    const late =
      own.end !== undefined && other.end !== undefined ? own.end > other.end : !own.end && other.end
    if (own.start < other.start || late) {
      return `It has partitions that "${need.name}" has not: those begin ${other.start}${other.end ? ` and end ${other.end}` : ''}.`
    }
  }
  if (own.type === 'static' && other.type === 'static') {
    const known = new Set(other.keys)
    const missing = own.keys.filter(key => !known.has(key))
    if (missing.length > 0) {
      return `"${need.name}" has no partition "${missing[0]}"${missing.length > 1 ? `, and ${missing.length - 1} more of its keys` : ''}.`
    }
  }
  return null
}
