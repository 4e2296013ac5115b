import { collisions, pathProblem } from '../../domain/data/paths.js'
import type { Problem } from '../../domain/errors.js'
import { isReserved } from './walk.js'

/** Why paths cannot be those of files in a working copy. */
export function pathProblems(paths: readonly string[]): Problem[] {
  return [
    ...paths.flatMap((path): Problem[] => {
      const message =
        pathProblem(path) ?? (path.split('/').some(isReserved) ? 'It is a name that is reserved.' : null)
      return message === null ? [] : [{ at: path, message }]
    }),
    ...collisions(paths),
  ]
}
