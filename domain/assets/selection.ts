import type { Json } from '../canonical-json.js'
import type { Reader } from '../pipelines/reader.js'
import type { Selection } from './plan.js'
import { readKeys } from './read-partitions.js'

const WORDS = ['all', 'missing', 'stale'] as const
const AT = ['partitions']

/** Reads which partitions are meant; `stale` where nothing is said. */
export function readSelection(value: unknown, reader: Reader): Selection | undefined {
  if (value === undefined || value === null) return { type: 'stale' }
  if (typeof value === 'string') {
    const type = reader.choice(value, AT, WORDS)
    return type && { type }
  }
  const given = reader.object(value, AT, ['from', 'to', 'keys'], 'Partitions')
  if (!given) return undefined
  const { from, to, keys } = given as Readonly<Record<string, Json | undefined>>
  if ((keys === undefined) === (from === undefined && to === undefined)) {
    reader.wrong(AT, `Give from and to, or keys, or one of ${WORDS.join(', ')}.`)
    return undefined
  }
  if (keys !== undefined) {
    const read = readKeys(keys, [...AT, 'keys'], reader)
    return read && { type: 'keys', keys: read }
  }
  for (const [name, end] of Object.entries({ from, to })) {
    if (typeof end !== 'string') reader.wrong([...AT, name], 'Must be the key of a partition.')
  }
  return typeof from === 'string' && typeof to === 'string' ? { type: 'range', from, to } : undefined
}

/** The selection as it was asked for. */
export function selectionView(selection: Selection): Json {
  switch (selection.type) {
    case 'keys':
      return { keys: selection.keys }
    case 'range':
      return { from: selection.from, to: selection.to }
    default:
      return selection.type
  }
}
