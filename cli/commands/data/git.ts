import { execFile } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gitRoot } from '../../../sdk/data/lock-file.js'

const run = promisify(execFile)
const DEADLINE_MS = 10_000

async function git(directory: string, ...args: string[]): Promise<string | null> {
  try {
    const { stdout } = await run('git', args, { cwd: directory, timeout: DEADLINE_MS, maxBuffer: 64 << 20 })
    return stdout.trim()
  } catch {
    return null
  }
}

/** Commit of the code beside some data, and whether it has changes; null outside of a repository with a commit. */
export async function codeState(directory: string): Promise<{ commit: string; dirty: boolean } | null> {
  if (gitRoot(directory) === null) return null
  const commit = await git(directory, 'rev-parse', 'HEAD')
  if (commit === null) return null
  const changes = await git(directory, 'status', '--porcelain', '--untracked-files=no')
  return { commit, dirty: changes !== '' }
}

/** Who commits, as git knows him. */
export async function gitAuthor(directory: string): Promise<string | null> {
  const [name, email] = await Promise.all([
    git(directory, 'config', 'user.name'),
    git(directory, 'config', 'user.email'),
  ])
  if (!name) return email || null
  return email ? `${name} <${email}>` : name
}

/** Keeps files of a dataset out of git. Says where, or null where there is nothing to do. */
export function ignoreInGit(directory: string): string | null {
  const root = gitRoot(directory)
  if (root === null || root === directory) return null
  const file = join(dirname(directory), '.gitignore')
  const line = `/${basename(directory)}/`
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  if (text.split('\n').includes(line)) return null
  appendFileSync(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`)
  return file
}

/** Where hooks of a repository are. */
export async function hooksDirectory(directory: string): Promise<string | null> {
  const found = await git(directory, 'rev-parse', '--git-path', 'hooks')
  return found === null ? null : join(directory, found)
}
