import type { Json } from '../canonical-json.js'
import { parseSelector, SELECTOR_RULE, type VersionSelector } from '../data/selector.js'
import { MlforgeError } from '../errors.js'
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
    const given = inputs['dataset']
    if (uses !== 'dataset' || typeof given !== 'string') return []
    const known = referencesIn(given).every(
      each => each.kind === 'parameter' || (each.kind === 'run' && each.field === 'pipeline'),
    )
    if (!known) return []
    try {
      const text = resolveValue(given, each =>
        each.kind === 'parameter'
          ? valueAt(parameters[each.name] ?? null, each.path, `Parameter "${each.name}"`)
          : name,
      )
      const { name: dataset, selector } = selectorOf(String(text))
      return selector.kind === 'number' ? [] : [{ step, dataset, selector }]
    } catch {
      // The step will say what is wrong with it.
      return []
    }
  })
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
