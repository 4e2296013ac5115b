import type { Json } from '../canonical-json.js'
import { NAME_PATTERN, NAME_RULE } from '../names.js'
import { HIGHEST_PRIORITY, LOWEST_PRIORITY, MAX_SLOTS } from '../pools/concurrency.js'
import { didYouMean } from '../suggest.js'
import type { ParameterSpec, PipelineConcurrency, StepPool } from './definition.js'
import type { Path } from './problems.js'
import type { Reader } from './reader.js'
import { describeReference, partsOf } from './references.js'

const MAX_LIMIT = 1000

/** `pool: gpu`, or `{ name, slots }`: what a step needs while it works. Whether there is such a pool, its run sees. */
export function compilePool(reader: Reader, value: Json | undefined, path: Path): StepPool | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string') return poolOf(reader, value, path, 1)
  const given = reader.object(value, path, ['name', 'slots'], '"pool" is the name of a pool, or it')
  if (!given) return undefined
  const slots = reader.integer(given['slots'], [...path, 'slots'], 1, MAX_SLOTS) ?? 1
  if (given['name'] === undefined) reader.wrong(path, '"pool" needs the name of a pool.')
  return given['name'] === undefined ? undefined : poolOf(reader, given['name'], [...path, 'name'], slots)
}

function poolOf(reader: Reader, name: Json, path: Path, slots: number): StepPool | undefined {
  if (typeof name === 'string' && NAME_PATTERN.test(name)) return { name, slots }
  reader.wrong(path, `${JSON.stringify(name)} cannot name a pool. Use ${NAME_RULE}.`)
  return undefined
}

/** How many runs may be open at the same time, and by which parameters they are counted. */
export function compileConcurrency(
  reader: Reader,
  value: Json | undefined,
  parameters: Readonly<Record<string, ParameterSpec>>,
): PipelineConcurrency | undefined {
  if (value === undefined) return undefined
  const path = ['concurrency']
  const given = reader.object(value, path, ['limit', 'key', 'whenFull'], '"concurrency"')
  if (!given) return undefined
  if (given['limit'] === undefined) reader.wrong(path, '"concurrency" needs limit: runs at the same time.')
  const limit = reader.integer(given['limit'], [...path, 'limit'], 1, MAX_LIMIT)
  const key = reader.text(given['key'], [...path, 'key'])
  if (key !== undefined) checkKey(reader, key, [...path, 'key'], parameters)
  const whenFull = reader.choice(given['whenFull'], [...path, 'whenFull'], ['queue', 'refuse'] as const)
  if (limit === undefined) return undefined
  return { limit, ...(key === undefined ? {} : { key }), whenFull: whenFull ?? 'queue' }
}

/** What is known when a run is asked for: its parameters, and nothing else. */
function checkKey(
  reader: Reader,
  key: string,
  path: Path,
  parameters: Readonly<Record<string, ParameterSpec>>,
): void {
  const known = Object.keys(parameters)
  for (const part of partsOf(key)) {
    if ('text' in part) continue
    if ('malformed' in part) reader.wrong(path, part.malformed)
    else if (part.reference.kind !== 'parameter') {
      reader.wrong(path, `${describeReference(part.reference)}: a key can refer to parameters only.`)
    } else if (!Object.hasOwn(parameters, part.reference.name)) {
      const { name } = part.reference
      reader.wrong(path, `There is no parameter "${name}".${didYouMean(name, known)}`)
    }
  }
}

/** 1 comes first, 5 last. */
export function compilePriority(reader: Reader, value: Json | undefined): number | undefined {
  return reader.integer(value, ['priority'], HIGHEST_PRIORITY, LOWEST_PRIORITY)
}
