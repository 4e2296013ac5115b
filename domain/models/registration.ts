import type { Json } from '../canonical-json.js'
import type { Problem } from '../errors.js'
import type { FileValue } from '../pipelines/values.js'

const MAX_FIGURES = 100

/**
 * The file that a value is, or that is the only one in it, as in what a script has left.
 * @param project whose file it must be: a definition may write out where one is
 * @returns what is wrong instead
 */
export function soleFile(value: Json, project: string): FileValue | Problem {
  const files = filesIn(value)
  const [file, ...more] = files
  const at = 'file'
  if (!file) return { at, message: 'Must be a file that a step has left, such as ${{ steps.export.files }}.' }
  if (more.length > 0) {
    const names = files.map(({ name }) => name)
    const shown = `${names.slice(0, 10).join(', ')}${names.length > 10 ? ', …' : ''}`
    return { at, message: `There are ${files.length} files: ${shown}. Leave one, or name one without a dot.` }
  }
  return file.uri.startsWith(`${project}/`) ? file : { at, message: `Is no content of project ${project}.` }
}

/** What is wrong with figures by their names. */
export function figureProblems(metrics: Json | undefined): Problem[] {
  if (metrics === undefined) return []
  const at = 'metrics'
  if (typeof metrics !== 'object' || metrics === null || Array.isArray(metrics)) {
    return [{ at, message: 'Must be an object of numbers by their names, such as { rmse: 4.2 }.' }]
  }
  const entries = Object.entries(metrics)
  const many =
    entries.length > MAX_FIGURES ? [{ at, message: `At most ${MAX_FIGURES} figures are kept.` }] : []
  const wrong = entries
    .filter(([, figure]) => figure !== null && typeof figure !== 'number')
    .map(([name]) => ({ at: `${at}.${name}`, message: 'Must be a number, or null where there is none.' }))
  return [...many, ...wrong]
}

function filesIn(value: Json): FileValue[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  if (isFile(value)) return [value as unknown as FileValue]
  return Object.values(value).filter(isFile) as unknown as FileValue[]
}

function isFile(value: Json | undefined): boolean {
  const { kind, uri, sha256, bytes } = (value ?? {}) as Partial<FileValue>
  return (
    kind === 'file' && typeof uri === 'string' && typeof sha256 === 'string' && Number.isSafeInteger(bytes)
  )
}
