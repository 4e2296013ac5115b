import { canonicalJson, type Json } from '../canonical-json.js'
import type { PipelineDefinition } from './definition.js'

/** How one definition differs from the one before it. */
export interface DefinitionDiff {
  /** Names of steps. */
  readonly added: string[]
  readonly removed: string[]
  readonly changed: { readonly step: string; readonly fields: string[] }[]
  /** Names of parameters that were added, removed or changed. */
  readonly parameters: string[]
  /** What else has changed, such as `parallel`. */
  readonly settings: string[]
}

const SETTINGS = [
  'description',
  'parallel',
  'onFailure',
  'rollBack',
  'retry',
  'concurrency',
  'priority',
] as const

/** @param before null for a first definition: everything is added */
export function diffDefinitions(
  before: PipelineDefinition | null,
  after: PipelineDefinition,
): DefinitionDiff {
  const old = new Map(before?.steps.map(step => [step.name, step]))
  const names = new Set(after.steps.map(({ name }) => name))
  return {
    added: after.steps.filter(({ name }) => !old.has(name)).map(({ name }) => name),
    removed: [...old.keys()].filter(name => !names.has(name)),
    changed: after.steps.flatMap(step => {
      const was = old.get(step.name)
      const fields = was ? differing(was, step) : []
      return fields.length > 0 ? [{ step: step.name, fields }] : []
    }),
    parameters: differing(before?.parameters ?? {}, after.parameters),
    settings: before === null ? [] : differing(pick(before), pick(after)),
  }
}

function pick(definition: PipelineDefinition): object {
  return Object.fromEntries(SETTINGS.map(key => [key, definition[key]]))
}

/** Keys whose members differ. */
function differing(before: object, after: object): string[] {
  const [old, now] = [before, after] as Record<string, Json | undefined>[]
  const keys = new Set([...Object.keys(old!), ...Object.keys(now!)])
  return [...keys].filter(key => text(old![key]) !== text(now![key])).sort()
}

function text(value: Json | undefined): string | undefined {
  return value === undefined ? undefined : canonicalJson(value)
}
