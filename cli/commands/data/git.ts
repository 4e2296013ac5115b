import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { gitRoot } from '../../../sdk/data/lock-file.js'
import { said } from '../../../sdk/data/said.js'
import { git } from '../../../sdk/git.js'

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
  try {
    const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
    if (text.split('\n').includes(line)) return null
    appendFileSync(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`)
  } catch (error) {
    throw said(error)
  }
  return file
}

/** Where hooks of a repository are. */
export async function hooksDirectory(directory: string): Promise<string | null> {
  const found = await git(directory, 'rev-parse', '--git-path', 'hooks')
  return found === null ? null : resolve(directory, found)
}
