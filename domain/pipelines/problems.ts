import type { Problem } from '../errors.js'

/** Where a problem is in a definition: keys and positions from its root. */
export type Path = readonly (string | number)[]

/** Something that is wrong with a definition. */
export interface PipelineProblem {
  readonly path: Path
  readonly message: string
}

/** A path as people write it: `steps.load.with.tables[0]`. */
function pathText(path: Path): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? key : `${text}.${key}`),
    '',
  )
}

/** A problem as answers have it, for definitions that have no lines. */
export function located({ path, message }: PipelineProblem): Problem {
  return { at: pathText(path), message }
}
