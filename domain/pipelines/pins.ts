import type { Json } from '../canonical-json.js'
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
 * Steps that ask for the latest version of a dataset, as far as parameters say of which: the version is fixed
 * when the run is taken on. Which one steps before it say is known only in the run.
 */
export function latestSelectors(
  { name, steps }: Pick<PipelineDefinition, 'name' | 'steps'>,
  parameters: Readonly<Record<string, Json>>,
): { readonly step: string; readonly dataset: string }[] {
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
      const { name: dataset, version } = selectorOf(String(text))
      return version === 'latest' ? [{ step, dataset }] : []
    } catch {
      // The step will say what is wrong with it.
      return []
    }
  })
}

/**
 * What `name`, `name@latest` or `name@3` selects.
 * @throws MlforgeError step_input_invalid
 */
export function selectorOf(text: string): { readonly name: string; readonly version: number | 'latest' } {
  const [name = '', selector = 'latest', ...more] = text.split('@')
  const version = selector === 'latest' ? selector : Number(selector)
  const known = version === 'latest' || (Number.isSafeInteger(version) && version >= 1)
  if (known && more.length === 0) return { name, version }
  throw new MlforgeError(
    'step_input_invalid',
    `"${text}" names no version of a dataset. Write name, name@latest or name@3.`,
  )
}
