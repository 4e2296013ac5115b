import { parameterValues } from '../pipelines/parameters.js'
import type { PipelineDefinition } from '../pipelines/definition.js'
import type { Path } from '../pipelines/problems.js'
import type { Reader } from '../pipelines/reader.js'
import { stepType } from '../pipelines/step-types.js'
import { didYouMean } from '../suggest.js'
import { type AssetDefinition, MAX_ASSETS, MAX_PARTITIONS } from './definition.js'
import { assetOrder } from './graph.js'
import { mappingProblem } from './mapping-problem.js'
import { partitionKeys } from './partitions.js'
import { outputParts, type ReadAsset } from './read.js'
import { partitionValues, referencesIn, withPartition } from './references.js'

/** What there is beside the assets that are applied. */
export interface Surroundings {
  /** The newest version of each asset of the project. */
  readonly assets: ReadonlyMap<string, AssetDefinition>
  /** The newest definition of each pipeline that is named. */
  readonly pipelines: ReadonlyMap<string, PipelineDefinition>
  readonly pipelineNames: readonly string[]
  readonly datasetNames: readonly string[]
  readonly now: number
}

/** Static keys whose parameters are tried one by one. */
const MOST_TRIED = 200

/** Judges assets by the whole graph they become a part of, and by the pipelines that make them. */
export function validateAssets(read: readonly ReadAsset[], around: Surroundings, reader: Reader): void {
  const all = new Map(around.assets)
  for (const { definition } of read) all.set(definition.name, definition)
  if (all.size > MAX_ASSETS) {
    reader.wrong(
      ['assets'],
      `A project has at most ${MAX_ASSETS} assets; with these it would have ${all.size}.`,
    )
  }
  for (const { path, definition } of read) {
    if (reader.isFull) return
    validateNeeds(definition, path, all, reader)
    validatePartitions(definition, path, around, reader)
    validateSource(definition, path, around, reader)
    validateMake(definition, path, around, reader)
  }
  validateUsers(read, all, reader)
  const { cycle } = assetOrder(all.values())
  if (cycle) {
    const at = read.find(({ definition }) => cycle.includes(definition.name))
    reader.wrong([...(at?.path ?? ['assets']), 'needs'], `Assets need each other: ${cycle.join(' -> ')}.`)
  }
}

function validateNeeds(
  definition: AssetDefinition,
  path: Path,
  all: ReadonlyMap<string, AssetDefinition>,
  reader: Reader,
): void {
  for (const [i, name] of definition.needs.entries()) {
    const need = all.get(name)
    if (!need) {
      reader.wrong([...path, 'needs', i], `There is no asset "${name}".${didYouMean(name, [...all.keys()])}`)
      continue
    }
    const problem = mappingProblem(definition, need)
    if (problem) reader.wrong([...path, 'mappings', name], problem)
  }
  for (const name of Object.keys(definition.mappings ?? {})) {
    if (definition.needs.includes(name)) continue
    reader.wrong(
      [...path, 'mappings', name],
      `"${definition.name}" does not need "${name}".${didYouMean(name, definition.needs)}`,
    )
  }
}

/** Assets that stay as they are, but rest on one that changes. */
function validateUsers(
  read: readonly ReadAsset[],
  all: ReadonlyMap<string, AssetDefinition>,
  reader: Reader,
): void {
  const changed = new Map(read.map(each => [each.definition.name, each]))
  for (const user of all.values()) {
    if (changed.has(user.name)) continue
    for (const name of user.needs) {
      const need = changed.get(name)
      const problem = need && mappingProblem(user, need.definition)
      if (problem)
        reader.wrong([...need.path, 'partitions'], `Asset "${user.name}", which needs it: ${problem}`)
    }
  }
}

function validatePartitions(
  definition: AssetDefinition,
  path: Path,
  { now }: Surroundings,
  reader: Reader,
): void {
  if (definition.partitions?.type !== 'time') return
  const hours = { hour: 1, day: 24, week: 168, month: 720 }[definition.partitions.unit]
  const { start } = definition.partitions
  const count = Math.floor((now - Date.parse(start)) / (hours * 3_600_000))
  if (count > MAX_PARTITIONS) {
    reader.wrong(
      [...path, 'partitions', 'start'],
      `About ${count} partitions since ${start} are more than ${MAX_PARTITIONS}. Take a longer unit, or begin later.`,
    )
  }
}

function validateSource({ source }: AssetDefinition, path: Path, around: Surroundings, reader: Reader): void {
  if (!source || around.datasetNames.includes(source.dataset)) return
  const hint = didYouMean(source.dataset, around.datasetNames)
  reader.wrong([...path, 'source', 'dataset'], `There is no dataset "${source.dataset}".${hint}`)
}

function validateMake(asset: AssetDefinition, path: Path, around: Surroundings, reader: Reader): void {
  const { make, partitions } = asset
  if (!make) return
  const pipeline = around.pipelines.get(make.pipeline)
  if (!pipeline) {
    const hint = didYouMean(make.pipeline, around.pipelineNames)
    reader.wrong([...path, 'make', 'pipeline'], `There is no pipeline "${make.pipeline}".${hint}`)
    return
  }
  const fields = !partitions ? [] : partitions.type === 'time' ? ['key', 'start', 'end'] : ['key']
  const known = fields.map(field => `partition.${field}`)
  const at = [...path, 'make', 'parameters']
  let unknown = false
  for (const [name, value] of Object.entries(make.parameters)) {
    for (const reference of referencesIn(value)) {
      if (known.includes(reference)) continue
      unknown = true
      const what = known.length === 0 ? 'it has no partitions' : `it may refer to ${known.join(', ')}`
      reader.wrong(
        [...at, name],
        `"${reference}" means nothing here: ${what}.${didYouMean(reference, known)}`,
      )
    }
  }
  if (!unknown) validateParameters(asset, pipeline, [...path, 'make'], around, reader)
  validateOutput(asset, pipeline, [...path, 'output'], reader)
}

function validateParameters(
  asset: AssetDefinition,
  pipeline: PipelineDefinition,
  path: Path,
  { now }: Surroundings,
  reader: Reader,
): void {
  const { partitions, make } = asset
  const keys =
    partitions?.type === 'static'
      ? partitions.keys.slice(0, MOST_TRIED)
      : partitions?.type === 'time'
        ? partitionKeys(asset, { now, dynamic: new Map() }).slice(0, 1)
        : ['key']
  const seen = new Set<string>()
  for (const key of keys) {
    const values = partitionValues(partitions, key)
    const given = withPartition(make!.parameters, values) as Record<string, unknown>
    for (const { at, message } of parameterValues(pipeline, given).problems) {
      // Of many keys the first that does not fit says it.
      if (!seen.has(at)) reader.wrong([...path, ...at.split('.')], message)
      seen.add(at)
    }
  }
}

function validateOutput(
  { output }: AssetDefinition,
  { name, steps }: PipelineDefinition,
  path: Path,
  reader: Reader,
): void {
  const parts = output === undefined ? null : outputParts(output)
  if (!parts) return
  const step = steps.find(each => each.name === parts.step)
  if (!step) {
    const hint = didYouMean(
      parts.step,
      steps.map(each => each.name),
    )
    reader.wrong(path, `Pipeline "${name}" has no step "${parts.step}".${hint}`)
    return
  }
  const known = Object.keys(stepType(step.uses)?.outputs ?? {})
  if (known.includes(parts.output)) return
  reader.wrong(
    path,
    `Step "${step.name}" (${step.uses}) has no output "${parts.output}".${didYouMean(parts.output, known)}`,
  )
}
