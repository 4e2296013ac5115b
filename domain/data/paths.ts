import type { Problem } from '../errors.js'

const MAX_PATH_BYTES = 1_024

/** The directory within a working copy that holds what is known of it. */
export const STATE = '.mlforge-data'

const RESERVED = new Set(['.git', '.mlforge', STATE])

const utf8 = new TextEncoder()

/** Why a path cannot be one of a dataset; null for one that can. Paths are relative, with `/` between their parts. */
export function pathProblem(path: string): string | null {
  if (path === '') return 'It is empty.'
  if (/\p{Surrogate}/u.test(path)) return 'It is no whole Unicode text.'
  if (utf8.encode(path).length > MAX_PATH_BYTES) return `It is longer than ${MAX_PATH_BYTES} bytes.`
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return 'It is absolute: name it within the directory.'
  // A backslash is a separator on Windows: the same version would be another tree there.
  const strange = /[\p{Cc}\\]/u.exec(path)
  if (strange) return `It holds ${JSON.stringify(strange[0])}.`
  const parts = path.split('/')
  if (parts.includes('')) return 'It has an empty part.'
  if (parts.includes('..') || parts.includes('.'))
    return 'It leaves its directory: no part may be "." or "..".'
  if (parts.some(isReserved)) return 'It is a name that is reserved.'
  return null
}

/** Whether a part of a path never belongs to a dataset, on any file system. */
export function isReserved(part: string): boolean {
  return RESERVED.has(part.toLowerCase())
}

/**
 * Paths that are one and the same file on some file system: by letter case, or by the form of their Unicode
 * characters (NFC, NFD); and files that stand where others need a directory.
 */
export function collisions(paths: readonly string[]): Problem[] {
  const seen = new Map<string, string>()
  const files = new Map(paths.map(path => [folded(path), path]))
  return paths.flatMap((path): Problem[] => {
    const name = folded(path)
    const other = seen.get(name)
    seen.set(name, other ?? path)
    if (other !== undefined) {
      const how = other === path ? 'is there twice' : `is the same as "${other}" on some file systems`
      return [{ at: path, message: `It ${how}. Rename one of them.` }]
    }
    const parts = name.split('/')
    const above = parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('/'))
    const file = above.map(each => files.get(each)).find(each => each !== undefined)
    if (file === undefined) return []
    return [{ at: path, message: `It stands within "${file}", which is a file. Rename one of them.` }]
  })
}

/** Why paths cannot be those of the files of a version, each by itself and all together. */
export function pathProblems(paths: readonly string[]): Problem[] {
  return [
    ...paths.flatMap((path): Problem[] => {
      const message = pathProblem(path)
      return message === null ? [] : [{ at: path, message }]
    }),
    ...collisions(paths),
  ]
}

/** Order of paths in a manifest: by code points, which is that of their UTF-8 bytes. */
export function comparePaths(a: string, b: string): number {
  const most = Math.min(a.length, b.length)
  for (let i = 0; i < most; i++) {
    const [one, other] = [a.charCodeAt(i), b.charCodeAt(i)]
    // Halves of pairs come after all other characters, though their numbers do not.
    if (one !== other) return rank(one) - rank(other)
  }
  return a.length - b.length
}

function rank(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800
  return unit >= 0xd800 ? unit + 0x2000 : unit
}

function folded(path: string): string {
  // Twice: folding may leave a form that is not composed.
  return path.normalize('NFC').toLowerCase().toUpperCase().toLowerCase().normalize('NFC')
}
