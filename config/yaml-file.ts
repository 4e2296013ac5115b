import { LineCounter, isMap, isScalar, parseDocument, type Node } from 'yaml'
import type { Problem } from '../domain/errors.js'
import { didYouMean } from '../domain/suggest.js'
import { SECTIONS } from './sections.js'

/** What other readers of the same file look for. */
const KEYS_OF_OTHERS: readonly string[] = SECTIONS

/** A value of the file and where it stands (`file:line:column`). */
export interface FileValue {
  readonly at: string
  readonly value: unknown
}

/**
 * Reads the leaves of a YAML file by their dotted path.
 *
 * @param name how the file is called in problems
 * @param paths all paths that may stand in it; other keys, but for what a project declares, are problems that name the nearest one
 */
export function readYaml(
  source: string,
  name: string,
  paths: readonly string[],
): { values: Map<string, FileValue>; problems: Problem[] } {
  const lines = new LineCounter()
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false })
  const values = new Map<string, FileValue>()
  const problems: Problem[] = []
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return `${name}:${Math.max(1, line)}:${Math.max(1, col)}`
  }
  for (const error of document.errors) problems.push({ at: at(error.pos[0]), message: error.message })
  if (problems.length > 0) return { values, problems }

  const walk = (node: unknown, prefix: string): void => {
    if (!isMap(node)) {
      const offset = (node as Node | null)?.range?.[0] ?? 0
      const what = prefix === '' ? 'The file' : `"${prefix.slice(0, -1)}"`
      problems.push({ at: at(offset), message: `${what} must hold keys and values.` })
      return
    }
    for (const { key, value } of node.items) {
      const keyOffset = (key as Node).range?.[0] ?? 0
      const keyName = isScalar(key) ? String(key.value) : String(key)
      const path = prefix + keyName
      if (KEYS_OF_OTHERS.includes(path)) continue
      const isEmpty = value === null || (isScalar(value) && value.value === null)
      if (paths.includes(path)) {
        const offset = (value as Node | null)?.range?.[0] ?? keyOffset
        if (isEmpty) problems.push({ at: at(offset), message: `"${path}" has no value.` })
        else values.set(path, { at: at(offset), value: (value as Node).toJS(document) })
      } else if (paths.some(known => known.startsWith(`${path}.`))) {
        if (!isEmpty) walk(value, `${path}.`)
      } else {
        const siblings = [...paths, ...KEYS_OF_OTHERS]
          .filter(known => known.startsWith(prefix))
          .map(known => known.slice(prefix.length).split('.')[0] ?? '')
        problems.push({
          at: at(keyOffset),
          message: `Unknown key "${path}".${didYouMean(keyName, siblings)}`,
        })
      }
    }
  }
  if (document.contents !== null) walk(document.contents, '')
  return { values, problems }
}
