import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { codeState } from '../../sdk/git.js'

describe('codeState', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mlforge-git-'))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: directory })
      .toString()
      .trim()

  it('is null where there is no repository, or no commit in it', async () => {
    expect(await codeState(directory)).toBeNull()
    git('init', '-q')
    expect(await codeState(directory)).toBeNull()
  })

  it('names the commit, and says whether files that git knows have changes', async () => {
    git('init', '-q')
    writeFileSync(join(directory, 'train.py'), 'a')
    git('add', '.')
    git('commit', '-q', '-m', 'one')
    const commit = git('rev-parse', 'HEAD')
    writeFileSync(join(directory, 'notes.txt'), 'unknown to git')
    expect(await codeState(directory)).toEqual({ commit, dirty: false })
    writeFileSync(join(directory, 'train.py'), 'b')
    expect(await codeState(directory)).toEqual({ commit, dirty: true })
  })
})
