import { canonicalJson, type Json } from '../canonical-json.js'
import type { PipelineDefinition } from '../pipelines/definition.js'
import type { AssetDefinition } from './definition.js'
import { outputParts } from './read.js'

/** Names of the steps whose outputs an asset's version is the hash of. */
export function stepsOfVersion(
  { output }: AssetDefinition,
  { steps }: PipelineDefinition,
): readonly string[] {
  const parts = output === undefined ? null : outputParts(output)
  if (parts) return [parts.step]
  const needed = new Set(steps.flatMap(({ needs }) => needs))
  return steps.map(({ name }) => name).filter(name => !needed.has(name))
}

/**
 * Canonical JSON that the version of an asset is the hash of: what its pipeline gave. Tables and files count by
 * their content, wherever they are.
 * @param outputs by step, of those that `stepsOfVersion` names and that have been done
 * @returns null where the output that was named is not there
 */
export function versionContent(
  { output }: AssetDefinition,
  outputs: ReadonlyMap<string, Readonly<Record<string, Json>>>,
): string | null {
  const parts = output === undefined ? null : outputParts(output)
  if (!parts) return canonicalJson(byContent(Object.fromEntries(outputs)))
  const value = outputs.get(parts.step)?.[parts.output]
  return value === undefined ? null : canonicalJson(byContent(value))
}

function byContent(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(each => byContent(each as Json))
  const members = value as Readonly<Record<string, Json>>
  const { kind, sha256, uri } = members
  if ((kind === 'table' || kind === 'file') && typeof sha256 === 'string' && typeof uri === 'string') {
    return { kind, sha256 }
  }
  return Object.fromEntries(Object.entries(members).map(([name, each]) => [name, byContent(each)]))
}
