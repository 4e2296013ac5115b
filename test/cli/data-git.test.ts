import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { hooksDirectory } from '../../cli/commands/data/git.js'

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'mlforge-git-')))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const git = (cwd: string, ...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...args], {
    cwd,
    encoding: 'utf8',
  })

describe('where hooks are', () => {
  const root = join(directory, 'root')

  it('is in the repository, from wherever it is asked', async () => {
    mkdirSync(join(root, 'data', 'deep'), { recursive: true })
    git(root, 'init', '-q', '.')
    const hooks = join(root, '.git', 'hooks')
    expect(await hooksDirectory(root)).toBe(hooks)
    expect(await hooksDirectory(join(root, 'data', 'deep'))).toBe(hooks)
    expect(await hooksDirectory(directory)).toBeNull()
  })

  it('is the same for a linked worktree', async () => {
    git(root, 'commit', '-q', '--allow-empty', '-m', 'first')
    const linked = join(directory, 'linked')
    git(root, 'worktree', 'add', '-q', linked)
    expect(await hooksDirectory(linked)).toBe(join(root, '.git', 'hooks'))
  })

  it('is where core.hooksPath says', async () => {
    git(root, 'config', 'core.hooksPath', join(directory, 'hooks'))
    expect(await hooksDirectory(root)).toBe(join(directory, 'hooks'))
  })
})
