import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { committedFiles, exportDvc } from '../../../sdk/data/dvc/export.js'
import { WorkingCopy } from '../../../sdk/data/working-copy.js'
import { madeBytes } from '../../domain/data/made-bytes.js'
import { dvc, dvcPython, git } from '../../support/dvc.js'
import { hashesOf, makeRepository, tracked } from './dvc-repository.js'
import { commit, put, temporary } from './tree.js'

const files = temporary()
const open: WorkingCopy[] = []
const fresh = (): WorkingCopy => {
  const copy = WorkingCopy.init(files.path('copy'), 'bikes')
  open.push(copy)
  return copy
}
/** With names and contents of all sorts, committed. */
const filled = async (): Promise<WorkingCopy> => {
  const copy = fresh()
  put(copy.root, 'a.csv', 'day,count\r\n1,2\r\n')
  put(copy.root, 'same.csv', 'day,count\r\n1,2\r\n')
  put(copy.root, 'nested/deep/ü 日本 😀 "quoted".txt', 'unicode\n')
  put(copy.root, 'nested/\uff01', 'behind all of the basic plane\n')
  put(copy.root, 'nested/empty', '')
  // What DVC reads elsewhere.
  put(copy.root, 'dvc.yaml', 'stages:\n  s:\n    cmd: ls\n    outs: [o]\n')
  put(copy.root, 'nested/x.dvc', `outs:\n- path: y\n  md5: ${'a'.repeat(32)}\n`)
  put(copy.root, '.gitignore', '*\n')
  put(copy.root, 'large.bin', madeBytes(3_000_000, 1))
  await copy.add('all')
  await commit(copy)
  return copy
}
const exported = async (copy: WorkingCopy, target = files.path('exported')) => {
  await exportDvc(target, copy.dataset, committedFiles(copy))
  return target
}

beforeAll(dvcPython)
afterEach(() => Promise.all(open.splice(0).map(copy => copy.close())))
afterAll(() => files.remove())

describe('an export to DVC', () => {
  it('is what the real dvc pulls, byte for byte, in a clone too', async () => {
    const copy = await filled()
    const target = files.path('exported')
    const seen: number[][] = []
    const done = await exportDvc(target, 'bikes', committedFiles(copy), {
      onProgress: ({ files: number, bytes, totalFiles, totalBytes }) =>
        seen.push([number, bytes, totalFiles, totalBytes]),
    })
    const bytes = copy.files().reduce((sum, file) => sum + file.bytes, 0)
    expect(done).toEqual({ directory: target, files: 9, bytes, executable: 0 })
    expect(seen.at(-1)).toEqual([9, bytes, 9, bytes])

    expect(await dvc(target, 'pull')).toContain('9 files added')
    expect(await dvc(target, 'status')).toContain('up to date')
    expect(hashesOf(join(target, 'bikes'))).toEqual(hashesOf(copy.root))

    await git(target, 'add', '-A')
    await git(target, 'commit', '-qm', 'bikes')
    const clone = files.path('clone')
    await git(dirname(target), 'clone', '-q', target, clone)
    await dvc(clone, 'pull', '-q')
    expect(await dvc(clone, 'status')).toContain('up to date')
    expect(hashesOf(join(clone, 'bikes'))).toEqual(hashesOf(copy.root))

    // Hashed again by the real one, it is the same.
    const ours = readFileSync(join(clone, 'bikes.dvc'), 'utf8')
    rmSync(join(clone, '.dvc/cache'), { recursive: true })
    rmSync(join(clone, '.dvc/tmp'), { recursive: true })
    await dvc(clone, 'add', '-q', 'bikes')
    const outputs = (text: string) => text.slice(0, text.indexOf('path:'))
    expect(outputs(readFileSync(join(clone, 'bikes.dvc'), 'utf8'))).toBe(outputs(ours))
  })

  it('brings back what came from DVC', async () => {
    const repository = files.path('made')
    await makeRepository(repository)
    const copy = fresh()
    await copy.importDvc(repository)
    await commit(copy)
    const target = await exported(copy)
    await dvc(target, 'pull', '-q')
    const withoutModes = Object.entries(tracked(repository)).map(([path, sha256]) => [
      path,
      sha256.replace('*', ''),
    ])
    expect(hashesOf(join(target, 'bikes'))).toEqual(Object.fromEntries(withoutModes))

    const again = fresh()
    expect(await again.importDvc(target)).toMatchObject({ added: 9 })
    expect(hashesOf(join(again.root, 'bikes'))).toEqual(hashesOf(join(target, 'bikes')))
  })

  it('may be empty, and within a repository of git', async () => {
    const copy = await filled()
    for (const path of Object.keys(hashesOf(copy.root))) rmSync(join(copy.root, path), { force: true })
    await copy.add('all')
    await commit(copy)
    const outer = files.path('outer')
    mkdirSync(outer)
    await git(outer, 'init', '-q')
    const target = await exported(copy, join(outer, 'below/bikes'))
    expect(existsSync(join(target, '.git'))).toBe(false)
    await dvc(target, 'pull', '-q')
    expect(await dvc(target, 'status')).toContain('up to date')
  })

  it('overwrites nothing', async () => {
    const copy = await filled()
    for (const make of [mkdirSync, (path: string) => writeFileSync(path, 'mine')]) {
      const target = files.path('mine')
      make(target)
      await expect(exported(copy, target)).rejects.toMatchObject({ code: 'already_exists' })
      expect(readdirSync(dirname(target)).filter(name => name.includes('partial'))).toEqual([])
    }
  })

  it('is refused where DVC could not name it, or nothing may be written', async () => {
    const copy = await filled()
    await expect(exported(copy, files.path(`"it's"`))).rejects.toMatchObject({ code: 'invalid_request' })
    const file = files.path('file')
    writeFileSync(file, '')
    await expect(exported(copy, join(file, 'below'))).rejects.toMatchObject({ code: 'invalid_request' })
    const target = await exported(copy, files.path("it's # $odd, %20 [really]?a=b"))
    await dvc(target, 'pull', '-q')
    expect(await dvc(target, 'status')).toContain('up to date')
  })

  it('has what is committed, or nothing', async () => {
    const target = files.path('exported')
    await expect(exported(fresh(), target)).rejects.toMatchObject({ code: 'wrong_state' })
    const copy = await filled()
    put(copy.root, 'new.csv', 'was never added')
    const more = await exported(copy)
    expect(readFileSync(join(more, 'bikes.dvc'), 'utf8')).toContain('nfiles: 9')
    put(copy.root, 'a.csv', 'changed')
    await expect(exported(copy, target)).rejects.toMatchObject({
      code: 'wrong_state',
      details: { problems: [{ at: 'a.csv' }] },
    })
    put(copy.root, 'nested/.dvc/config', '')
    put(copy.root, '.dvcignore', '')
    await copy.add('all')
    await commit(copy)
    await expect(exported(copy, target)).rejects.toMatchObject({
      code: 'invalid_request',
      details: { problems: [{ at: '.dvcignore' }, { at: 'nested/.dvc/config' }] },
    })
    expect(existsSync(target)).toBe(false)
  })

  it('and the import before it may be killed at any moment', async () => {
    const repository = await exported(await filled())
    const copy = fresh()
    const target = files.path('exported')
    let isDone = false
    for (let step = 1; !isDone; step += 7) {
      const child = fork(new URL('./probes/dvc.js', import.meta.url), [copy.root, repository, target], {
        execArgv: [],
        stdio: 'inherit',
      })
      let seen = 0
      child.on('message', said => {
        isDone ||= said === 'done'
        if (++seen === step) child.kill('SIGKILL')
      })
      await once(child, 'exit')
      // There whole, or not at all.
      if (existsSync(target) && !isDone) {
        expect(await dvc(target, 'pull')).toContain('9 files added')
        isDone = true
      }
    }
    if (!existsSync(join(target, 'bikes'))) await dvc(target, 'pull', '-q')
    expect(await dvc(target, 'status')).toContain('up to date')
    expect(Object.keys(hashesOf(join(target, 'bikes/bikes')))).toHaveLength(9)
    const left = readdirSync(dirname(target)).filter(name => name.endsWith('.partial'))
    await expect(exported(copy, target)).rejects.toMatchObject({ code: 'already_exists' })
    const another = await exported(copy)
    expect(hashesOf(copy.root)).toEqual(hashesOf(join(target, 'bikes')))
    expect([existsSync(another), left.length]).toEqual([true, 0])
  })
})
