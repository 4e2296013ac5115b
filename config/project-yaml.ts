import type { Problem } from '../domain/errors.js'
import type { Path } from '../domain/pipelines/problems.js'
import { didYouMean } from '../domain/suggest.js'
import { FIELDS } from './fields.js'
import { type Section, SECTIONS } from './sections.js'
import { readStrictYaml } from './strict-yaml.js'

/** What a project declares, by section and name. */
export interface DeclaredProject {
  readonly sections: Readonly<Partial<Record<Section, Readonly<Record<string, object>>>>>
  /** `file:line:column` of what is at a path, or of the nearest that is there. */
  readonly at: (path: Path) => string
}

/**
 * Reads what a project declares.
 * @param file how problems call it
 * @returns everything that is wrong with its form instead
 */
export function readProject(
  text: string,
  file: string,
): DeclaredProject | { readonly problems: readonly Problem[] } {
  const read = readStrictYaml(text, file)
  if ('problems' in read) return read
  const { value, at } = read
  if (!isObject(value)) return { problems: [{ at: at([]), message: 'It must hold keys and values.' }] }
  const settings = Object.keys(FIELDS).map(path => path.split('.', 1)[0]!)
  const known: string[] = [...new Set([...SECTIONS, ...settings])]
  const problems = Object.keys(value)
    .filter(key => !known.includes(key))
    .map(key => ({ at: at([key]), message: `Unknown key "${key}".${didYouMean(key, known)}` }))
  const sections: Partial<Record<Section, Record<string, object>>> = {}
  for (const section of SECTIONS) {
    const given = value[section]
    if (given === undefined) continue
    if (!isObject(given)) {
      problems.push({ at: at([section]), message: `"${section}" must hold names and what they are.` })
      continue
    }
    const strange = Object.keys(given).filter(name => !isObject(given[name]))
    for (const name of strange) {
      problems.push({ at: at([section, name]), message: `"${name}" must hold keys and values.` })
    }
    sections[section] = given as Record<string, object>
  }
  return problems.length > 0 ? { problems } : { sections, at }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
