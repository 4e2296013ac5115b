import type { Json } from '../canonical-json.js'
import { parseSelector, SELECTOR_RULE, type VersionSelector } from '../data/selector.js'
import { MlforgeError } from '../errors.js'
import { NAME_PATTERN } from '../names.js'
import type { PipelineDefinition } from './definition.js'
import { referencesIn, resolveValue, valueAt } from './references.js'

/** A version of a dataset that a run works on, however often it is started. */
export interface Pin {
  readonly step: string
  readonly dataset: string
  readonly version: number
  /** Hash of its content. */
  readonly root: string
}

/** A version of the suite of a dataset that a run checks by, however often it is started. */
export interface SuitePin {
  readonly step: string
  readonly dataset: string
  readonly version: number
  readonly sha256: string
}

/**
 * Steps that ask for a version of a dataset otherwise than by its number (the latest, a branch, a tag, an instant), as
 * far as parameters say of which: the version is fixed when the run is taken on. Which one steps before it say is
 * known only in the run.
 */
export function movingSelectors(
  { name, steps }: Pick<PipelineDefinition, 'name' | 'steps'>,
  parameters: Readonly<Record<string, Json>>,
): { readonly step: string; readonly dataset: string; readonly selector: VersionSelector }[] {
  return steps.flatMap(({ name: step, uses, with: inputs }) => {
    const text = uses === 'dataset' ? knownText(inputs['dataset'], name, parameters) : null
    if (text === null) return []
    try {
      const { name: dataset, selector } = selectorOf(text)
      return selector.kind === 'number' ? [] : [{ step, dataset, selector }]
    } catch {
      // The step will say what is wrong with it.
      return []
    }
  })
}

/** Steps that check by the current suite of a dataset, as far as parameters say of which: it is fixed with the run. */
export function movingSuites(
  { name, steps }: Pick<PipelineDefinition, 'name' | 'steps'>,
  parameters: Readonly<Record<string, Json>>,
): { readonly step: string; readonly dataset: string }[] {
  return steps.flatMap(({ name: step, uses, with: inputs }) => {
    const text = uses === 'validate' ? knownText(inputs['suite'], name, parameters) : null
    return text === null || text.includes('@') ? [] : [{ step, dataset: text }]
  })
}

/** What an input says when a run is taken on; null for one that is left out, or that steps say. */
function knownText(
  given: Json | undefined,
  pipeline: string,
  parameters: Readonly<Record<string, Json>>,
): string | null {
  if (typeof given !== 'string') return null
  const known = referencesIn(given).every(
    each => each.kind === 'parameter' || (each.kind === 'run' && each.field === 'pipeline'),
  )
  if (!known) return null
  try {
    const text = resolveValue(given, each =>
      each.kind === 'parameter'
        ? valueAt(parameters[each.name] ?? null, each.path, `Parameter "${each.name}"`)
        : pipeline,
    )
    return String(text)
  } catch {
    // The step will say what is wrong with it.
    return null
  }
}

/**
 * What `name`, `name@latest`, `name@3`, `name@tag`, `name@branch` or `name@{2026-01-31T00:00:00Z}` selects.
 * @throws MlforgeError step_input_invalid
 */
export function selectorOf(text: string): { readonly name: string; readonly selector: VersionSelector } {
  const [name = '', selected = 'latest', ...more] = text.split('@')
  const selector = parseSelector(selected)
  if (selector !== null && more.length === 0) return { name, selector }
  throw new MlforgeError(
    'step_input_invalid',
    `"${text}" names no version of a dataset. Write name, or name@ and ${SELECTOR_RULE}.`,
  )
}

/**
 * What `name` or `name@3` selects of the suite of a dataset: the current version is null.
 * @throws MlforgeError step_input_invalid
 */
export function suiteSelectorOf(text: string): { readonly dataset: string; readonly version: number | null } {
  const [dataset = '', version] = text.split(/@(?=[1-9]\d{0,8}$)/)
  if (NAME_PATTERN.test(dataset)) return { dataset, version: version === undefined ? null : Number(version) }
  throw new MlforgeError(
    'step_input_invalid',
    `"${text}" names no suite. Write the name of its dataset, or name@3 for one of its versions.`,
  )
}
