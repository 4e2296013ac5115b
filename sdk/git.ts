import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const DEADLINE_MS = 10_000

/** What git answers in a directory, without the last line end; null where it refuses, or is not there. */
export async function git(directory: string, ...args: string[]): Promise<string | null> {
  try {
    const { stdout } = await run('git', args, { cwd: directory, timeout: DEADLINE_MS, maxBuffer: 64 << 20 })
    return stdout.trim()
  } catch {
    return null
  }
}

/**
 * Commit of the code in a directory, and whether files that git knows have changes: what a training or a push
 * keeps as `code`. Null outside of a repository with a commit.
 */
export async function codeState(directory: string): Promise<{ commit: string; dirty: boolean } | null> {
  const commit = await git(directory, 'rev-parse', 'HEAD')
  if (commit === null) return null
  const changes = await git(directory, 'status', '--porcelain', '--untracked-files=no')
  return { commit, dirty: changes !== '' }
}
