import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { sha256Hex } from '../../../stores/ids.js'
import type { SeenFile, Tree } from './tree.js'

const STATE = '.mlforge-data'

/** Makes the files of a directory those of another tree, as somebody who works in it would. */
export function writeTree(root: string, from: Tree, to: Tree): void {
  const gone = new Set([...from.keys()].filter(path => !to.has(path)))
  for (const [path, file] of to) {
    const [before, target] = [from.get(path), join(root, path)]
    mkdirSync(dirname(target), { recursive: true })
    const source = before ? undefined : [...gone].find(each => from.get(each)!.content === file.content)
    if (source !== undefined) {
      gone.delete(source)
      renameSync(join(root, source), target)
    } else if (before?.content !== file.content) writeFileSync(target, file.content)
    chmodSync(target, file.isExecutable ? 0o755 : 0o644)
  }
  for (const path of gone) rmSync(join(root, path))
}

/** What there is in a working directory, but for what is known of it. */
export function readTree(root: string): Map<string, SeenFile> {
  const found = new Map<string, SeenFile>()
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name)
    const path = relative(root, file).split(sep).join('/')
    if (!entry.isFile() || path.startsWith(`${STATE}/`)) continue
    const content = readFileSync(file)
    const isExecutable = (statSync(file).mode & 0o100) !== 0
    found.set(path, { sha256: sha256Hex(content), bytes: content.length, isExecutable })
  }
  return found
}

/** Files that were to be there for a moment only. */
export function temporaryFiles(root: string): string[] {
  const state = join(root, STATE)
  // Nobody has worked there.
  if (!existsSync(state)) return []
  return readdirSync(state, { recursive: true, encoding: 'utf8' }).filter(path => {
    const parts = path.split(sep)
    return parts[0] === 'tmp' || parts[0] === 'checkout.json' || parts.some(part => part.startsWith('.'))
  })
}
