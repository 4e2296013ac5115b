import type { Json } from '../canonical-json.js'
import { NAME_PATTERN, NAME_RULE } from '../names.js'
import { STEP_NAME_PATTERN } from '../pipelines/definition.js'
import type { Path } from '../pipelines/problems.js'
import type { JsonObject, Reader } from '../pipelines/reader.js'
import { ASSET_KINDS, type AssetDefinition, type Mapping, MAX_ASSETS } from './definition.js'
import { readPartitions } from './read-partitions.js'

const FIELDS = [
  'name',
  'kind',
  'description',
  'needs',
  'make',
  'output',
  'source',
  'partitions',
  'mappings',
] as const
/** Windows that a mapping may reach back or forward. */
const MOST_OFFSET = 1_000
const OUTPUT = /^steps\.([^.]+)\.([A-Za-z0-9_-]+)$/

/** What an output of an asset names. */
export function outputParts(output: string): { readonly step: string; readonly output: string } | null {
  const [, step, name] = OUTPUT.exec(output) ?? []
  return step !== undefined && name !== undefined && STEP_NAME_PATTERN.test(step)
    ? { step, output: name }
    : null
}

/** An asset as it was asked for, with its place in the request. */
export interface ReadAsset {
  readonly path: Path
  readonly definition: AssetDefinition
}

/**
 * The definitions in a list, complete, as far as each can be judged by itself.
 * @param reader remembers everything that is wrong
 */
export function readAssets(value: unknown, reader: Reader): ReadAsset[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_ASSETS) {
    reader.wrong(['assets'], `Must be a list of 1 to ${MAX_ASSETS} assets.`)
    return []
  }
  const read: ReadAsset[] = []
  const seen = new Set<string>()
  for (const [i, each] of value.entries()) {
    if (reader.isFull) break
    const path = ['assets', i]
    const definition = readAsset(each, path, reader)
    if (!definition) continue
    if (seen.has(definition.name)) {
      reader.wrong([...path, 'name'], `There are two assets "${definition.name}" in this list.`)
    }
    seen.add(definition.name)
    read.push({ path, definition })
  }
  return read
}

function readAsset(value: unknown, path: Path, reader: Reader): AssetDefinition | null {
  const given = reader.object(value, path, FIELDS, 'An asset')
  if (!given) return null
  const name = nameOf(given['name'], [...path, 'name'], reader)
  const kind = reader.choice(given['kind'] ?? null, [...path, 'kind'], ASSET_KINDS)
  const description = reader.text(given['description'], [...path, 'description'])
  const needs = needsOf(given['needs'], [...path, 'needs'], reader)
  const make = given['make'] === undefined ? undefined : makeOf(given['make'], [...path, 'make'], reader)
  const source = sourceOf(given, path, reader)
  const partitions = readPartitions(given['partitions'], [...path, 'partitions'], reader)
  const mappings = mappingsOf(given['mappings'], [...path, 'mappings'], reader)
  const output = reader.text(given['output'], [...path, 'output'], 200)
  if (output !== undefined && !outputParts(output)) {
    reader.wrong([...path, 'output'], `"${output}" is not of the form steps.<step>.<output>.`)
  }
  if ((given['make'] === undefined) === (given['source'] === undefined)) {
    reader.wrong(path, 'Needs exactly one of make, for what a pipeline makes, and source, for a dataset.')
  }
  if (given['source'] !== undefined) {
    const unfit = ['needs', 'output', 'partitions', 'mappings'].filter(each => given[each] !== undefined)
    for (const each of unfit) {
      reader.wrong([...path, each], `A source asset is observed, not made: it has no ${each}.`)
    }
    if (kind !== undefined && kind !== 'dataset') {
      reader.wrong([...path, 'kind'], 'A source asset is a dataset.')
    }
  }
  if (name === undefined || kind === undefined) return null
  return {
    schema: 1,
    name,
    kind,
    ...(description === undefined ? {} : { description }),
    needs,
    ...(make ? { make } : {}),
    ...(output === undefined ? {} : { output }),
    ...(source ? { source } : {}),
    ...(partitions ? { partitions } : {}),
    ...(mappings ? { mappings } : {}),
  }
}

function nameOf(value: Json | undefined, path: Path, reader: Reader): string | undefined {
  if (typeof value === 'string' && NAME_PATTERN.test(value)) return value
  reader.wrong(path, value === undefined ? 'This field is needed.' : `Must be written with ${NAME_RULE}.`)
  return undefined
}

function needsOf(value: Json | undefined, path: Path, reader: Reader): string[] {
  if (value === undefined) return []
  if (!Array.isArray(value) || value.length > 200) {
    reader.wrong(path, 'Must be a list of at most 200 names of assets.')
    return []
  }
  const names = value.flatMap((each, i) => nameOf(each as Json, [...path, i], reader) ?? [])
  return [...new Set(names)]
}

function makeOf(value: Json, path: Path, reader: Reader): AssetDefinition['make'] {
  const given = reader.object(value, path, ['pipeline', 'parameters'])
  if (!given) return undefined
  const pipeline = nameOf(given['pipeline'], [...path, 'pipeline'], reader)
  const parameters = reader.object(given['parameters'] ?? {}, [...path, 'parameters'], null) ?? {}
  return pipeline === undefined ? undefined : { pipeline, parameters }
}

function sourceOf(asset: JsonObject, path: Path, reader: Reader): AssetDefinition['source'] {
  if (asset['source'] === undefined) return undefined
  const given = reader.object(asset['source'], [...path, 'source'], ['dataset'])
  if (!given) return undefined
  const dataset = nameOf(given['dataset'], [...path, 'source', 'dataset'], reader)
  return dataset === undefined ? undefined : { dataset }
}

function mappingsOf(value: Json | undefined, path: Path, reader: Reader): AssetDefinition['mappings'] {
  if (value === undefined) return undefined
  const given = reader.object(value, path, null)
  const mappings: [string, Mapping][] = []
  for (const [need, each] of Object.entries(given ?? {})) {
    const mapping = mappingOf(each, [...path, need], reader)
    if (mapping) mappings.push([need, mapping])
  }
  return Object.fromEntries(mappings)
}

function mappingOf(value: Json, path: Path, reader: Reader): Mapping | undefined {
  const given = reader.object(value, path, ['type', 'startOffset', 'endOffset'], 'A mapping')
  if (!given) return undefined
  const type = reader.choice(given['type'] ?? null, [...path, 'type'], ['same', 'window', 'all'] as const)
  if (type === undefined) return undefined
  const offset = (name: 'startOffset' | 'endOffset') =>
    reader.integer(given[name], [...path, name], -MOST_OFFSET, MOST_OFFSET) ?? 0
  const [startOffset, endOffset] = [offset('startOffset'), offset('endOffset')]
  if (type === 'window') return { type, startOffset, endOffset }
  if (given['startOffset'] !== undefined || given['endOffset'] !== undefined) {
    reader.wrong(path, `Only the mapping "window" has offsets, not "${type}".`)
  }
  return { type }
}
