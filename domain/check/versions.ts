import type { AliasChangeFacts, CheckProblem, StackFacts } from './facts.js'
import { referencedObjects } from './references.js'

/** Numbers without gaps, gates passed, aliases that point at versions and whose history adds up. */
export function checkVersions(facts: StackFacts): CheckProblem[] {
  return [...gaps(facts), ...gates(facts), ...aliases(facts)]
}

/** Every object that a row points at is there, with the size that the row says. */
export function checkObjects(facts: StackFacts): CheckProblem[] {
  const restore = 'Restore a backup, or write the same content again.'
  return referencedObjects(facts).flatMap(({ uri, bytes, by }): CheckProblem[] => {
    const object = facts.objects.get(uri)
    if (object === undefined) return []
    if (object.bytes === null) {
      const message = `The object is missing; it is needed by ${by}. ${restore}`
      return [{ code: 'object_missing', at: uri, message }]
    }
    if (object.corrupt !== undefined) {
      const message = `${object.corrupt} It is needed by ${by}.`
      return [{ code: 'object_corrupt', at: uri, message }]
    }
    if (bytes === null || bytes === object.bytes) return []
    const message = `The object has ${object.bytes} bytes instead of ${bytes}; it is needed by ${by}. ${restore}`
    return [{ code: 'object_size', at: uri, message }]
  })
}

function gaps(facts: StackFacts): CheckProblem[] {
  const check = (what: string, id: string, label: string, versions: readonly number[]): CheckProblem[] => {
    const sorted = [...versions].sort((a, b) => a - b)
    if (sorted.every((version, i) => version === i + 1)) return []
    const message = `Its versions are ${sorted.join(', ')}; they must be 1 to ${sorted.length}. Rows were deleted or added by hand: restore a backup.`
    return [{ code: 'version_gap', at: `${what} ${label}`, message }]
  }
  return [
    ...facts.datasets.flatMap(({ id, name }) => {
      const own = facts.datasetVersions.filter(version => version.datasetId === id)
      return check('dataset', id, name, own.map(version => version.version)) // prettier-ignore
    }),
    ...facts.models.flatMap(({ id, name }) => {
      const own = facts.modelVersions.filter(version => version.modelId === id)
      return check('model', id, name, own.map(version => version.version)) // prettier-ignore
    }),
    ...facts.transformations.flatMap(({ id, name }) => {
      const own = facts.transformationVersions.filter(version => version.transformationId === id)
      return check('transformation', id, name, own.map(version => version.version)) // prettier-ignore
    }),
  ]
}

function gates({ models, modelVersions }: StackFacts): CheckProblem[] {
  return modelVersions
    .filter(({ engine, gate, lineage }) => !hasPassed(gate) && !isForced(lineage) && !isGiven(engine, gate))
    .map(({ modelId, version }) => ({
      code: 'gate_not_passed',
      at: `model ${nameOf(models, modelId)} version ${version}`,
      message: 'It is registered although its gate did not pass. Move its aliases away and report this.',
    }))
}

/** True for a version that somebody registered although its gate refused it: its lineage says who and why. */
function isForced(lineage: unknown): boolean {
  return typeof (lineage as { forced?: { reason?: unknown } } | null)?.forced?.reason === 'string'
}

/** True for a version that a pipeline has registered of a file: no gate has seen it. */
function isGiven(engine: string, gate: unknown): boolean {
  return engine === 'onnx' && gate === null
}

/** True for the gate of a version that was let through. */
export function hasPassed(gate: unknown): boolean {
  return (gate as { passed?: unknown } | null)?.passed === true
}

function aliases(facts: StackFacts): CheckProblem[] {
  const problems: CheckProblem[] = []
  const current = new Map(facts.aliases.map(row => [`${row.modelId} ${row.alias}`, row]))
  const changes = new Map<string, AliasChangeFacts[]>()
  for (const change of facts.aliasChanges) {
    const key = `${change.modelId} ${change.alias}`
    changes.set(key, [...(changes.get(key) ?? []), change])
  }
  for (const key of new Set([...current.keys(), ...changes.keys()])) {
    const [modelId, alias] = key.split(' ') as [string, string]
    const at = `model ${nameOf(facts.models, modelId)} alias ${alias}`
    const version = current.get(key)?.version ?? null
    const isThere = facts.modelVersions.some(row => row.modelId === modelId && row.version === version)
    if (version !== null && !isThere) {
      const message = `It points at version ${version}, which does not exist. Move it to one that does.`
      problems.push({ code: 'alias_dangling', at, message })
    }
    const end = follow(changes.get(key) ?? [])
    if (end === version) continue
    const message =
      end === undefined
        ? 'Its changes do not follow from one another: one was recorded twice or not at all. Restore a backup, or move it again.'
        : `Its history ends at version ${end ?? 'none'}, but it points at ${version ?? 'none'}. Move it again to where it belongs.`
    problems.push({ code: 'alias_history_broken', at, message })
  }
  return problems
}

/** Where the changes lead when each begins where the one before it ended; undefined when they do not. */
function follow(changes: readonly AliasChangeFacts[]): number | null | undefined {
  let at: number | null = null
  const left = [...changes].sort((a, b) => a.at.getTime() - b.at.getTime())
  while (left.length > 0) {
    // Changes of the same millisecond have no order but the one that makes sense.
    const same = left.filter(change => change.at.getTime() === left[0]!.at.getTime())
    const next = same.find(change => change.fromVersion === at)
    if (next === undefined) return undefined
    at = next.toVersion
    left.splice(left.indexOf(next), 1)
  }
  return at
}

function nameOf(models: StackFacts['models'], id: string): string {
  return models.find(model => model.id === id)?.name ?? id
}
