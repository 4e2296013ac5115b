import { MAX_DEFINITION_BYTES } from './definition.js'
import type { Path, PipelineProblem } from './problems.js'
import { isStorable, NOT_STORABLE } from '../storable.js'

const MAX_DEPTH = 100
/** Nothing that is kept can be larger: what is, is not looked at any further. */
const MAX_NODES = MAX_DEFINITION_BYTES
const MAX_CHARACTERS = 2 * MAX_DEFINITION_BYTES

/**
 * Why a value that somebody wrote cannot be looked at or kept: nested too deeply, too large, or with a
 * character that Postgres does not take. It works through any value in bounded time, without recursion.
 * @returns `isFit` false where nothing else should look at the value
 */
export function boundProblems(
  value: unknown,
  root: Path = [],
): { readonly isFit: boolean; readonly problems: readonly PipelineProblem[] } {
  const problems: PipelineProblem[] = []
  const unfit = (path: Path, message: string) => ({ isFit: false, problems: [{ path, message }] })
  const todo: { readonly value: unknown; readonly path: Path }[] = [{ value, path: root }]
  let [nodes, characters] = [0, 0]
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { value: found, path } = next
    const key = path.at(-1)
    const texts = [found, key].filter(each => typeof each === 'string')
    characters += texts.reduce((sum, text) => sum + text.length, 0)
    if (++nodes > MAX_NODES || characters > MAX_CHARACTERS) {
      return unfit(root, `It is larger than what can be kept: ${MAX_DEFINITION_BYTES} bytes.`)
    }
    if (path.length - root.length > MAX_DEPTH) {
      return unfit(path.slice(0, root.length + 3), `It is nested deeper than ${MAX_DEPTH} levels.`)
    }
    if (!texts.every(isStorable)) problems.push({ path, message: NOT_STORABLE })
    if (typeof found !== 'object' || found === null) continue
    const members = Array.isArray(found) ? [...found.entries()] : Object.entries(found)
    // From the last to the first, since the last put down is the first taken up.
    for (const [member, inside] of members.reverse()) todo.push({ value: inside, path: [...path, member] })
  }
  return { isFit: true, problems }
}
