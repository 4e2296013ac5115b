import type { Json } from '../canonical-json.js'
import type { Path } from '../pipelines/problems.js'
import type { Reader } from '../pipelines/reader.js'
import { timeZoneProblems } from '../schedules/timing.js'
import { MAX_ITEMS, PARTITION_UNITS, type Partitions } from './definition.js'
import { parseDay } from './zones.js'

const KEY_PATTERN = /^[A-Za-z0-9][A-Za-z0-9 ._:+/@=-]{0,99}$/
const KEY_RULE = 'at most 100 letters, digits, blanks and ". _ : + / @ = -", starting with a letter or digit'
const FIRST_YEAR = 1970

/** Reads how an asset is parted; nothing where it is not. */
export function readPartitions(value: Json | undefined, path: Path, reader: Reader): Partitions | undefined {
  if (value === undefined) return undefined
  const given = reader.object(value, path, ['type', 'unit', 'start', 'end', 'timeZone', 'keys'])
  if (!given) return undefined
  const type = reader.choice(given['type'] ?? null, [...path, 'type'], ['time', 'static', 'dynamic'] as const)
  if (type === undefined) return undefined
  const ofTime = ['unit', 'start', 'end', 'timeZone']
  for (const each of type === 'time' ? ['keys'] : type === 'static' ? ofTime : [...ofTime, 'keys']) {
    if (given[each] !== undefined)
      reader.wrong([...path, each], `Partitions of type "${type}" have no ${each}.`)
  }
  if (type === 'dynamic') return { type }
  if (type === 'static') {
    const keys = readKeys(given['keys'] ?? null, [...path, 'keys'], reader)
    return keys && { type, keys }
  }
  const unit = reader.choice(given['unit'] ?? null, [...path, 'unit'], PARTITION_UNITS)
  const start = dateOf(given['start'] ?? null, [...path, 'start'], reader)
  const end = given['end'] === undefined ? undefined : dateOf(given['end'], [...path, 'end'], reader)
  const timeZone = reader.text(given['timeZone'] ?? 'UTC', [...path, 'timeZone'], 100)
  if (unit === undefined || start === undefined || timeZone === undefined) return undefined
  const [wrong] = timeZoneProblems(timeZone, '')
  if (wrong) {
    reader.wrong([...path, 'timeZone'], wrong.message)
    return undefined
  }
  if (end !== undefined && end <= start) reader.wrong([...path, 'end'], `Must be after the start, ${start}.`)
  return { type, unit, start, ...(end === undefined ? {} : { end }), timeZone }
}

/** Keys as somebody names them; nothing where any is wrong. */
export function readKeys(value: unknown, path: Path, reader: Reader): string[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_ITEMS) {
    reader.wrong(path, `Must be a list of 1 to ${MAX_ITEMS} keys.`)
    return undefined
  }
  const seen = new Set<unknown>()
  let good = true
  for (const [i, key] of value.entries()) {
    const wrong =
      typeof key !== 'string' || !KEY_PATTERN.test(key)
        ? `A key is ${KEY_RULE}.`
        : seen.has(key)
          ? `There are two keys "${key}".`
          : null
    seen.add(key)
    if (wrong === null) continue
    good = false
    reader.wrong([...path, i], wrong)
  }
  return good ? (value as string[]) : undefined
}

function dateOf(value: Json, path: Path, reader: Reader): string | undefined {
  const good =
    typeof value === 'string' && parseDay(value) !== null && Number(value.slice(0, 4)) >= FIRST_YEAR
  if (good) return value
  reader.wrong(path, `Must be a date from ${FIRST_YEAR} on, such as 2026-01-31.`)
  return undefined
}
