import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from '@jest/globals'
import { takeLock } from '../../../sdk/data/lock.js'
import { WorkingCopy } from '../../../sdk/data/working-copy.js'
import { madeBytes } from '../../domain/data/made-bytes.js'
import { PackDirectory } from './pack-directory.js'
import { commit, put, Remote, temporary, treeOf } from './tree.js'

const files = temporary()
const open: { close(): Promise<void> }[] = []
const fresh = (): WorkingCopy => {
  const copy = WorkingCopy.init(files.path('copy'), 'bikes')
  open.push(copy)
  return copy
}
afterEach(() => Promise.all(open.splice(0).map(each => each.close())))
afterAll(() => files.remove())

/** Runs a probe, and kills it at its nth message. Tells whether it had done all by then. */
async function killAt(probe: string, args: readonly string[], message: number): Promise<boolean> {
  const child = fork(new URL(`./probes/${probe}.js`, import.meta.url), args, {
    execArgv: [],
    stdio: 'inherit',
  })
  let [seen, isDone] = [0, false]
  child.on('message', said => {
    isDone ||= said === 'done'
    if (++seen === message) child.kill('SIGKILL')
  })
  await once(child, 'exit')
  return isDone
}

function fill(root: string, version: number): void {
  for (let i = 0; i < 60; i++)
    put(root, `d${i % 7}/${i}`, madeBytes(200 + i * version, i * version), i % 5 === 0)
  put(root, 'large', madeBytes(20_000_000 + version, 1))
  put(root, `only-${version}`, `${version}`)
}

describe('a working copy whose process is killed', () => {
  it('adds all the next time', async () => {
    for (const message of [1, 2, 3]) {
      const copy = fresh()
      fill(copy.root, 1)
      await killAt('add', [copy.root], message)
      await copy.add('all')
      const { staged, unstaged, untracked } = await copy.status()
      expect([unstaged.changed, unstaged.removed, untracked]).toEqual([[], [], []])
      const isCommitted = copy.drafts().length === 1
      expect(staged.added).toHaveLength(isCommitted ? 0 : 62)
      if (!isCommitted) await commit(copy)
      const remote = new Remote()
      const to = fresh()
      const pushed = await remote.push(copy, 1)
      await to.checkout({ branch: 'main', version: 1, ...pushed }, remote)
      await remote.close()
      expect(treeOf(to.root)).toEqual(treeOf(copy.root))
    }
  })

  it('checks out the version, or another one, the next time, and loses no change', async () => {
    const from = fresh()
    const remote = new Remote()
    const versions = []
    for (const version of [1, 2]) {
      fill(from.root, version)
      await from.add('all')
      await commit(from)
      versions.push({
        branch: 'main',
        version,
        ...(await remote.push(from, version)),
        tree: treeOf(from.root),
      })
    }
    await remote.close()
    const packs = files.path('packs')
    mkdirSync(packs)
    for (const { sha256, content } of remote.packs) writeFileSync(join(packs, sha256), content)
    const source = new PackDirectory(packs)

    const [one, two] = versions as [(typeof versions)[0], (typeof versions)[0]]
    let cut = 0
    for (const [message, then] of [
      [1, two],
      [10, two],
      [30, one],
      [61, two],
      [61, one],
    ] as const) {
      const copy = fresh()
      await copy.checkout(one, source)
      put(copy.root, 'own', 'mine')
      const isDone = await killAt('checkout', [copy.root, packs, '2', two.manifest], message)
      // It has done all, where it was killed between its last write and the word of that.
      if ((await copy.status()).isInterrupted) {
        cut++
        expect(isDone).toBe(false)
        await expect(commit(copy)).rejects.toThrow(/checkout was killed/)
      }
      put(copy.root, 'd1/1', 'edited since')
      await expect(copy.checkout(then, source)).rejects.toMatchObject({
        code: 'wrong_state',
        details: { problems: [{ at: 'd1/1' }] },
      })
      expect(treeOf(copy.root)).toMatchObject({ 'd1/1': Buffer.from('edited since').toString('hex') })
      await copy.checkout(then, source, { force: true })
      const { own, ...tree } = treeOf(copy.root)
      expect(own).toBe(Buffer.from('mine').toString('hex'))
      expect(tree).toEqual(then.tree)
      expect(await copy.status()).toMatchObject({
        isInterrupted: false,
        untracked: ['own'],
        unstaged: { changed: [], removed: [] },
      })
      expect(readdirSync(join(copy.root, '.mlforge-data'))).not.toContain('tmp')
    }
    expect(cut).toBeGreaterThan(2)
  })
})

describe('the lock', () => {
  it('is held by one at a time, and by no dead process', async () => {
    const directory = files.path('locks')
    const lock = takeLock(directory)
    expect(() => takeLock(directory)).toThrow(`Process ${process.pid} works in this directory`)
    lock.release()
    takeLock(directory).release()
    const holder = { pid: process.pid, started: 'before', host: (await import('node:os')).hostname() }
    // The same pid, of a process that began at another time; and a pid that nobody has.
    for (const dead of [holder, { ...holder, pid: 2 ** 22 + 1 }]) {
      const last = Math.max(...readdirSync(directory).map(Number))
      writeFileSync(join(directory, String(last + 1)), JSON.stringify(dead))
      takeLock(directory).release()
    }
    const last = Math.max(...readdirSync(directory).map(Number))
    writeFileSync(join(directory, String(last + 1)), JSON.stringify({ ...holder, host: 'elsewhere' }))
    expect(() => takeLock(directory)).toThrow(/on elsewhere works/)
    expect(readdirSync(directory)).toHaveLength(2)
  })

  it('lets one of two commands wait for its turn by an error', async () => {
    const copy = fresh()
    put(copy.root, 'a', madeBytes(5_000_000, 1))
    const both = await Promise.allSettled([copy.add('all'), copy.add('all')])
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(await copy.add('all')).toMatchObject({ added: 0, unchanged: 1 })
  })
})
