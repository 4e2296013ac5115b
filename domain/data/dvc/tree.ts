import type { Problem } from '../../errors.js'
import { comparePaths, pathProblem } from '../paths.js'

/** A file of a directory that DVC tracks. */
export interface DvcTreeEntry {
  /** Relative to the directory. */
  readonly relpath: string
  readonly md5: string
}

const MD5 = /^[0-9a-f]{32}$/

/** Whether a text is an MD5 as DVC writes it. */
export function isMd5(text: unknown): text is string {
  return typeof text === 'string' && MD5.test(text)
}

/**
 * Reads the list of the files of a directory: that of a `.dir` object, or `files` of an output.
 * @param at what problems are called by: the path of the directory
 */
export function readDvcTree(
  value: unknown,
  at: string,
): { readonly entries: readonly DvcTreeEntry[]; readonly problems: readonly Problem[] } {
  if (!Array.isArray(value)) return { entries: [], problems: [{ at, message: 'Its `.dir` is no list.' }] }
  const entries: DvcTreeEntry[] = []
  const problems: Problem[] = []
  for (const [i, entry] of value.entries()) {
    const { relpath, md5 } = (entry ?? {}) as { readonly relpath?: unknown; readonly md5?: unknown }
    const message =
      typeof relpath !== 'string'
        ? `File ${i} of its \`.dir\` has no path.`
        : (pathProblem(relpath) ?? (isMd5(md5) ? null : 'It has no MD5.'))
    if (message === null) entries.push({ relpath: relpath as string, md5: md5 as string })
    else problems.push({ at: typeof relpath === 'string' ? `${at}/${relpath}` : at, message })
  }
  return { entries, problems }
}

/**
 * The bytes of a `.dir` object, whose MD5 names the directory: what `json.dumps` of Python makes of the list by
 * path, as `Tree.as_bytes` of dvc-data 3 calls it.
 */
export function dvcTreeText(entries: readonly DvcTreeEntry[]): string {
  const rows = entries
    .toSorted((a, b) => comparePaths(a.relpath, b.relpath))
    .map(({ md5, relpath }) => `{"md5": "${md5}", "relpath": ${asciiJson(relpath)}}`)
  return `[${rows.join(', ')}]`
}

function asciiJson(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\u007f-\uffff]/g,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
